"""The time that a run and its tasks take. It stands still while the run waits for people, or for a slot."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta

from murmuration.durable.workflow import Flow


class RunClock:
    """The clock of a run, and of the tasks that have a time limit."""

    def __init__(self, flow: Flow) -> None:
        self._flow = flow
        self._stopped_at = self._began = flow.now
        self._stops = 0
        self._stood_still = timedelta()
        self._limits: list[TimeLimit] = []

    @property
    def seconds(self) -> float:
        """The time since the run began, without the time in which the clock stood still."""
        now = self._stopped_at if self._stops else self._flow.now
        return (now - self._began - self._stood_still).total_seconds()

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Stop the clock for the body. Stops may overlap: it goes on after the last."""
        if not self._stops:
            self._stopped_at = self._flow.now
            for limit in self._limits:
                limit.stop()
        self._stops += 1
        try:
            yield
        finally:
            self._stops -= 1
            if not self._stops:
                self._stood_still += self._flow.now - self._stopped_at
                for limit in self._limits:
                    limit.resume()

    @asynccontextmanager
    async def time_limit(self, seconds: int | None) -> AsyncIterator[None]:
        """Raise `TimeoutError` when the body takes longer than `seconds` by this clock."""
        if seconds is None:
            yield
            return
        async with asyncio.timeout(seconds) as timeout:
            limit = TimeLimit(timeout)
            if self._stops:
                limit.stop()
            self._limits.append(limit)
            try:
                yield
            finally:
                self._limits.remove(limit)


class TimeLimit:
    """A timeout that can stand still."""

    def __init__(self, timeout: asyncio.Timeout) -> None:
        self._timeout = timeout
        self._seconds_left = 0.0

    def stop(self) -> None:
        deadline = self._timeout.when()
        if deadline is not None and not self._timeout.expired():
            self._seconds_left = deadline - asyncio.get_running_loop().time()
            self._timeout.reschedule(None)

    def resume(self) -> None:
        """Go on with the time that was left."""
        if not self._timeout.expired():
            self._timeout.reschedule(asyncio.get_running_loop().time() + self._seconds_left)
