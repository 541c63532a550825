"""Limits the concurrent calls of a process to a deployment: additive increase, multiplicative decrease."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from anyio import CapacityLimiter

from murmuration.services.errors import RATE_LIMITED, RetryLater

FIRST_LIMIT = 16
MAX_LIMIT = 256
MAX_PAUSE_SECONDS = 10.0
"""A longer pause ends the attempt: a durable sleep holds no function."""


class AdaptiveLimiter:
    """A number of slots that a 429 halves, and that grows by one after a round of successes while calls wait.

    Before the first 429 every success adds a slot, so a deployment that can bear it soon serves every caller. Calls
    that were under way when the limit was halved don't halve it again: they were too many for the same reason. A
    Retry-After holds for all later calls. Belongs to one event loop.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._slots = CapacityLimiter(FIRST_LIMIT)
        self._successes = 0
        self._cuts = 0
        self._resumes = float("-inf")

    @property
    def limit(self) -> int:
        return int(self._slots.total_tokens)

    @asynccontextmanager
    async def slot(self, seconds: float) -> AsyncIterator[None]:
        """Hold a slot around a call; raises `RetryLater` when none is free within `seconds`."""
        deadline = self._clock() + seconds
        try:
            async with asyncio.timeout(seconds):
                await self._slots.acquire()
        except TimeoutError:
            raise RetryLater(RATE_LIMITED, f"no slot among {self.limit} calls within {seconds:.0f} s") from None
        try:
            await self._pause(deadline)
            cuts = self._cuts
            try:
                yield
            except RetryLater as problem:
                if problem.code == RATE_LIMITED:
                    self._cut(cuts, problem.seconds)
                raise
            self._grow()
        finally:
            self._slots.release()

    async def _pause(self, deadline: float) -> None:
        while (left := self._resumes - self._clock()) > 0:
            if left > MAX_PAUSE_SECONDS or self._resumes > deadline:
                raise RetryLater(RATE_LIMITED, "the model has asked for a pause", left)
            await self._sleep(left)

    def _grow(self) -> None:
        self._successes += 1
        if self._successes >= (self.limit if self._cuts else 1):
            self._successes = 0
            # Fewer calls than slots say nothing about what the deployment can bear.
            if self._slots.statistics().tasks_waiting:
                self._slots.total_tokens = min(MAX_LIMIT, self.limit + 1)

    def _cut(self, cuts: int, seconds: float | None) -> None:
        if seconds is not None:
            self._resumes = max(self._resumes, self._clock() + seconds)
        if cuts == self._cuts:
            self._cuts += 1
            self._successes = 0
            self._slots.total_tokens = max(1, self.limit // 2)
