"""Actions that have been invoked: each tells its parent, the action that it is part of, when it has ended."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

from loopback.functions.protocol import Action


class Parent(Protocol):
    """An action that waits for others."""

    def child_ended(self, failed: bool, /) -> None: ...


class Scheduler(Protocol):
    """The part of the host that a retry needs."""

    @property
    def now(self) -> datetime: ...

    def schedule(self, parent: Parent, action: Action) -> "PendingAction": ...

    def set_timer(self, parent: Parent, due: Callable[[], datetime]) -> "PendingAction": ...


class PendingAction:
    """An action that has been invoked and may have ended."""

    def __init__(self, parent: Parent | None) -> None:
        self.parent = parent
        self.done = False

    def end(self, *, failed: bool = False) -> None:
        if self.done:
            return
        self.done = True
        if self.parent is not None:
            self.parent.child_ended(failed)


class CompoundAction(PendingAction):
    """`task_all` or `task_any`: it ends when enough of its children have ended."""

    def __init__(self, parent: Parent | None, needed: int) -> None:
        super().__init__(parent)
        self._missing = needed

    def child_ended(self, _failed: bool, /) -> None:
        self._missing -= 1
        if self._missing == 0:
            self.end()


class RetriedAction(PendingAction):
    """An action with a retry policy: attempt, timer, attempt, …

    The real host sets one more timer after the last failure, and so does this one.
    """

    def __init__(self, parent: Parent | None, host: Scheduler, action: Action) -> None:
        super().__init__(parent)
        self._host = host
        self._action = action
        self._attempts = 1
        self._pausing = False
        options = action["retryOptions"]
        self._max_attempts = int(options["maxNumberOfAttempts"])
        self._pause = timedelta(milliseconds=options["firstRetryIntervalInMilliseconds"])
        host.schedule(self, action)

    def child_ended(self, failed: bool, /) -> None:
        if self._pausing:
            self._pausing = False
            if self._attempts >= self._max_attempts:
                self.end(failed=True)
                return
            self._attempts += 1
            self._host.schedule(self, self._action)
        elif failed:
            self._pausing = True
            pause = timedelta(0) if self._attempts >= self._max_attempts else self._pause
            self._host.set_timer(self, lambda: self._host.now + pause)
        else:
            self.end()


def ended_action(parent: Parent | None) -> PendingAction:
    """Make an action that ends as soon as it begins."""
    action = PendingAction(parent)
    action.end()
    return action
