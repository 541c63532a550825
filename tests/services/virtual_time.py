"""An event loop whose time passes only while nothing is ready: tests of waiting take no time and can't be late."""

import asyncio
import selectors
from typing import Any


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """Jumps to the next timer instead of waiting for it. Nothing else may wake it, such as a network connection."""

    def __init__(self) -> None:
        super().__init__(_JumpingSelector(self))
        self.now = 0.0

    def time(self) -> float:
        return self.now


class _JumpingSelector(selectors.DefaultSelector):
    def __init__(self, loop: VirtualTimeLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise RuntimeError("every task waits, and no timer is set")
        self._loop.now += max(0.0, timeout)
        return super().select(0)


VIRTUAL_TIME = ("asyncio", {"loop_factory": VirtualTimeLoop})
"""The backend for the fixture `anyio_backend`."""
