"""What time it is for the host: the system's time, or in tests a time that can be moved on."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime: ...

    def on_move(self, call: Callable[[], object]) -> None:
        """`call` when the clock has jumped."""


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def on_move(self, call: Callable[[], object]) -> None:
        """It never jumps."""


class MovableClock:
    """The system's time, and what it has been moved on by."""

    def __init__(self) -> None:
        self._ahead = timedelta(0)
        self._calls: list[Callable[[], object]] = []

    def now(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def on_move(self, call: Callable[[], object]) -> None:
        self._calls.append(call)

    def advance(self, by: timedelta) -> None:
        """Jump ahead; safe from any thread."""
        self._ahead += by
        for call in self._calls:
            call()
