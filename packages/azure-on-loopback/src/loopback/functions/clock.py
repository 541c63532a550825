"""The host's clock: the system's time, or in tests a time that can be moved on."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """A source of the current time that may jump."""

    def now(self) -> datetime: ...

    def on_move(self, callback: Callable[[], object]) -> None:
        """Call `callback` whenever the clock has jumped."""


class SystemClock:
    """The system's time."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def on_move(self, callback: Callable[[], object]) -> None:
        """Ignore `callback`, since this clock never jumps."""


class MovableClock:
    """The system's time plus the time by which a test has moved it on."""

    def __init__(self) -> None:
        self._ahead = timedelta(0)
        self._callbacks: list[Callable[[], object]] = []

    def now(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def on_move(self, callback: Callable[[], object]) -> None:
        self._callbacks.append(callback)

    def advance(self, by: timedelta) -> None:
        """Jump ahead; safe from any thread."""
        self._ahead += by
        for callback in self._callbacks:
            callback()
