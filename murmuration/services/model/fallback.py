"""The deployments that may answer, in order: what this process knows of each, and when one gives way to the next.

`docs/decisions/0006-when-a-model-gives-way.md` says why.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from murmuration.services.errors import RATE_LIMITED, RetryLater
from murmuration.services.model.breaker import CircuitBreaker, CircuitOpen
from murmuration.services.model.limiter import AdaptiveLimiter
from murmuration.services.telemetry.log import log

if TYPE_CHECKING:
    from openai import AsyncOpenAI

T = TypeVar("T")


@dataclass
class Deployment:
    """One deployment, for as long as the process lives."""

    label: str
    """As the settings write it."""
    name: str
    """The deployment or model name."""
    client: "AsyncOpenAI"
    breaker: CircuitBreaker = field(default_factory=CircuitBreaker)
    limiter: AdaptiveLimiter = field(default_factory=AdaptiveLimiter)
    takes_temperature: bool = True
    """Reasoning models refuse it, which is found out by asking."""

    async def call(self, ask: Callable[[], Awaitable[T]], seconds: float) -> T:
        """What `ask` returns; raises `RetryLater` when there is no answer within `seconds`.

        At most half of them are spent on waiting for a place, so that a crowd is not taken for an outage.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        self.breaker.check()
        async with self.limiter.place(seconds / 2):
            with self.breaker.call():
                try:
                    async with asyncio.timeout_at(deadline):
                        return await ask()
                except TimeoutError:
                    raise RetryLater("model_timeout", "the model did not answer in time") from None


async def first_available(
    links: Sequence[Deployment], ask: Callable[[Deployment], Awaitable[T]], *, last_attempt: bool, seconds: float
) -> tuple[Deployment, T]:
    """The first link that answers, and its answer, within `seconds`, of which each gets an equal share.

    A link that is down gives way at once. One that is rate-limited gives way only at the step's last attempt: until
    then the step waits for it. Raises `CircuitOpen` when all are known to be down, otherwise the first failure.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    failures: list[RetryLater] = []
    for place, link in enumerate(links):
        share = (deadline - loop.time()) / (len(links) - place)
        try:
            return link, await link.call(partial(ask, link), share)
        except RetryLater as problem:
            if problem.code == RATE_LIMITED and not last_attempt:
                raise
            log("model_gives_way", deployment=link.label, code=problem.code, known=isinstance(problem, CircuitOpen))
            failures.append(problem)
    raise next((failure for failure in failures if not isinstance(failure, CircuitOpen)), failures[0])
