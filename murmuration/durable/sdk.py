"""Where the Durable SDK's tasks differ between its versions: this file alone knows.

Version 2.x says `is_complete`, `is_failed` and `get_exception()`, and queues events that come early by itself.
"""

from collections import deque
from collections.abc import Callable, Iterable
from datetime import timedelta
from types import CellType, FunctionType
from typing import Any, TypeAlias
from weakref import proxy

from murmuration.durable.context import Context, now

Leaf: TypeAlias = Any
"""A task of the SDK that isn't made of others: an activity, a timer, an event, an entity call, a sub-orchestration."""

MAX_TIMER = timedelta(days=3)
"""The SDK can't cancel a timer of more than 6 days; longer waits are made of steps of this length."""


class EarlyEvents(dict[Any, Any]):
    """Events that came before anybody waited: first in, first out, each once.

    The SDK's own dict keeps the last event of a name only, and delivers it to every later wait.
    """

    def __setitem__(self, name: Any, deliver: Callable[[], None]) -> None:
        self.setdefault(name, deque()).append(_without_cycle(deliver))

    def __contains__(self, name: object) -> bool:
        return bool(self.get(name))

    def __getitem__(self, name: Any) -> Callable[[], None]:
        deliver: Callable[[], None] = super().__getitem__(name).popleft()
        return deliver


def _without_cycle(deliver: Callable[[], None]) -> Callable[[], None]:
    """The same function with a weak reference to the SDK's executor, which holds the episode.

    With a strong one a dropped episode would be ended by the garbage collector, whenever and on whichever thread.
    """
    names, cells = deliver.__code__.co_freevars, deliver.__closure__ or ()
    weak = [
        CellType(proxy(cell.cell_contents)) if name == "self" else cell for name, cell in zip(names, cells, strict=True)
    ]
    return FunctionType(deliver.__code__, deliver.__globals__, closure=tuple(weak))


def keep_early_events(context: Context) -> None:
    """Let events wait in order until somebody waits for them. Call it before the first wait."""
    context.deferred_tasks = EarlyEvents()


def is_done(leaf: Leaf) -> bool:
    """Whether the leaf has a result or has failed."""
    return bool(leaf.is_completed)


def outcome(leaf: Leaf) -> Any:
    """The result of a leaf that is done; an exception when it failed."""
    return leaf.result


def timer(context: Context, delay: timedelta) -> Leaf:
    """A durable timer that fires after `delay`, or after `MAX_TIMER` when that is shorter."""
    return context.create_timer(now(context) + min(delay, MAX_TIMER))


def cancel_timer(leaf: Leaf) -> None:
    """Cancel an open timer: it would keep the instance running."""
    if not is_done(leaf):
        leaf.cancel()


def nudge(context: Context) -> Leaf:
    """A timer that is cancelled at once.

    The real host carries out one top-level action after the other. A `task_any` over old and new leaves is an action
    that ends with a new one, and holds up what is scheduled later until then. The nudge ends it immediately.
    """
    leaf: Leaf = context.create_timer(now(context) + timedelta(hours=1))
    leaf.cancel()
    return leaf


def any_of(context: Context, leaves: Iterable[Leaf]) -> Leaf:
    """The SDK's task that is done when one of the leaves is."""
    return context.task_any(list(leaves))


def all_of(context: Context, leaves: Iterable[Leaf]) -> Leaf:
    """The SDK's task that is done when all of the leaves are, or one has failed."""
    return context.task_all(list(leaves))
