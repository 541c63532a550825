"""The deployments that may answer, in order: the state of each in this process, and when the next one is asked.

`docs/decisions/0006-when-a-model-gives-way.md` gives the reasons.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from openai import AsyncOpenAI

from murmuration.services.errors import RATE_LIMITED, RetryLater
from murmuration.services.model.breaker import CircuitBreaker, CircuitOpen
from murmuration.services.model.limiter import AdaptiveLimiter
from murmuration.services.telemetry.log import log

T = TypeVar("T")


@dataclass
class Deployment:
    """One deployment and its state, which lives as long as the process."""

    label: str
    """The settings' text for it: `name` or `name@ENDPOINT`."""
    name: str
    """The deployment or model name."""
    client: AsyncOpenAI
    breaker: CircuitBreaker = field(default_factory=CircuitBreaker)
    limiter: AdaptiveLimiter = field(default_factory=AdaptiveLimiter)
    takes_temperature: bool = True
    """False once the model has refused a temperature, as reasoning models do."""

    async def call(self, ask: Callable[[], Awaitable[T]], seconds: float) -> T:
        """Return the result of `ask`; raises `RetryLater` without one within `seconds`.

        A call waits for its slot at most half of the time, so that a crowd is not mistaken for an outage.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        self.breaker.check()
        async with self.limiter.slot(seconds / 2):
            with self.breaker.call():
                try:
                    async with asyncio.timeout_at(deadline):
                        return await ask()
                except TimeoutError:
                    raise RetryLater("model_timeout", "the model did not answer in time") from None


async def first_available(
    deployments: Sequence[Deployment],
    ask: Callable[[Deployment], Awaitable[T]],
    *,
    last_attempt: bool,
    seconds: float,
) -> tuple[Deployment, T]:
    """Return the first deployment that answers, and its answer. `seconds` are shared equally among those left.

    A deployment that is down gives way at once. A rate-limited one gives way only at the step's last attempt: until
    then the step waits for it. Raises `CircuitOpen` when all are known to be down, otherwise the first failure.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    failures: list[RetryLater] = []
    for index, deployment in enumerate(deployments):
        share = (deadline - loop.time()) / (len(deployments) - index)
        try:
            return deployment, await deployment.call(partial(ask, deployment), share)
        except RetryLater as problem:
            if problem.code == RATE_LIMITED and not last_attempt:
                raise
            known = isinstance(problem, CircuitOpen)
            log("model_gives_way", deployment=deployment.label, code=problem.code, known=known)
            failures.append(problem)
    raise next((failure for failure in failures if not isinstance(failure, CircuitOpen)), failures[0])
