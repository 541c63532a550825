"""How many calls a process makes at once to a deployment: additive increase, multiplicative decrease."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from anyio import CapacityLimiter

from murmuration.services.errors import RATE_LIMITED, RetryLater

FIRST_LIMIT = 16
MOST = 256
MAX_PAUSE_SECONDS = 10.0
"""What is longer is not waited for in a function."""


class AdaptiveLimiter:
    """Half as many at once after a 429; one more after as many successes as there are places, while others wait.

    Before the first 429 every success makes room for one more: a deployment that bears all is soon asked by all.
    Calls that were under way when the limit was halved don't halve it again: they were too many for the same reason.
    A Retry-After holds for all who come after. Belongs to one event loop.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._places = CapacityLimiter(FIRST_LIMIT)
        self._successes = 0
        self._cuts = 0
        self._resumes = float("-inf")

    @property
    def limit(self) -> int:
        return int(self._places.total_tokens)

    @asynccontextmanager
    async def place(self, seconds: float) -> AsyncIterator[None]:
        """A place among the calls; raises `RetryLater` when there is none within `seconds`."""
        until = self._clock() + seconds
        try:
            async with asyncio.timeout(seconds):
                await self._places.acquire()
        except TimeoutError:
            raise RetryLater(RATE_LIMITED, f"no place among {self.limit} calls within {seconds:.0f} s") from None
        try:
            await self._pause(until)
            cuts = self._cuts
            try:
                yield
            except RetryLater as problem:
                if problem.code == RATE_LIMITED:
                    self._cut(cuts, problem.seconds)
                raise
            self._grow()
        finally:
            self._places.release()

    async def _pause(self, until: float) -> None:
        while (left := self._resumes - self._clock()) > 0:
            if left > MAX_PAUSE_SECONDS or self._resumes > until:
                raise RetryLater(RATE_LIMITED, "the model has asked for a pause", left)
            await self._sleep(left)

    def _grow(self) -> None:
        self._successes += 1
        if self._successes >= (self.limit if self._cuts else 1):
            self._successes = 0
            # Who makes fewer calls than there are places learns nothing of what the other side bears.
            if self._places.statistics().tasks_waiting:
                self._places.total_tokens = min(MOST, self.limit + 1)

    def _cut(self, cuts: int, seconds: float | None) -> None:
        if seconds is not None:
            self._resumes = max(self._resumes, self._clock() + seconds)
        if cuts == self._cuts:
            self._cuts += 1
            self._successes = 0
            self._places.total_tokens = max(1, self.limit // 2)
