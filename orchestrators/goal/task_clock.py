"""A timeout that can stand still."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class TaskClock:
    """The time limit of one task. It stands still while the run waits for people."""

    def __init__(self, timeout: asyncio.Timeout) -> None:
        self._timeout = timeout
        self._stops = 0
        self._left = 0.0

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Stop the clock, and let it go on with the time that was left. Stops may overlap."""
        loop = asyncio.get_running_loop()
        deadline = self._timeout.when()
        if self._timeout.expired() or (deadline is None and not self._stops):
            yield
            return
        if not self._stops and deadline is not None:
            self._left = max(0.0, deadline - loop.time())
            self._timeout.reschedule(None)
        self._stops += 1
        try:
            yield
        finally:
            self._stops -= 1
            if not self._stops and not self._timeout.expired():
                self._timeout.reschedule(loop.time() + self._left)
