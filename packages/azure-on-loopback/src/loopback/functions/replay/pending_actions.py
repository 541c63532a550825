"""Actions under way, as the host sees them: an action tells the one that it is part of when it has ended."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

from loopback.functions.protocol import Action


class Parent(Protocol):
    def child_ended(self, failed: bool, /) -> None: ...


class Scheduler(Protocol):
    """What a retry needs of the host."""

    @property
    def now(self) -> datetime: ...

    def schedule(self, parent: Parent, action: Action) -> "Node": ...

    def set_timer(self, parent: Parent, due: Callable[[], datetime]) -> "Node": ...


class Node:
    """An action under way. `parent` hears when it has ended."""

    def __init__(self, parent: Parent | None) -> None:
        self.parent = parent
        self.done = False

    def end(self, *, failed: bool = False) -> None:
        if self.done:
            return
        self.done = True
        if self.parent is not None:
            self.parent.child_ended(failed)


class Compound(Node):
    def __init__(self, parent: Parent | None, needed: int) -> None:
        super().__init__(parent)
        self._missing = needed

    def child_ended(self, _failed: bool, /) -> None:
        self._missing -= 1
        if self._missing == 0:
            self.end()


class Retry(Node):
    """fail -> timer -> again …; after the last failure one more timer, as the real host has it."""

    def __init__(self, parent: Parent | None, host: Scheduler, action: Action) -> None:
        super().__init__(parent)
        self._host = host
        self._action = action
        self._attempts = 1
        self._pausing = False
        options = action["retryOptions"]
        self._limit = int(options["maxNumberOfAttempts"])
        self._pause = timedelta(milliseconds=options["firstRetryIntervalInMilliseconds"])
        host.schedule(self, action)

    def child_ended(self, failed: bool, /) -> None:
        if self._pausing:
            self._pausing = False
            if self._attempts >= self._limit:
                self.end(failed=True)
                return
            self._attempts += 1
            self._host.schedule(self, self._action)
        elif failed:
            self._pausing = True
            pause = timedelta(0) if self._attempts >= self._limit else self._pause
            self._host.set_timer(self, lambda: self._host.now + pause)
        else:
            self.end()


def ended(parent: Parent | None) -> Node:
    """An action that has ended as soon as it began."""
    node = Node(parent)
    node.end()
    return node
