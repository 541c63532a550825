"""Everything the orchestrators do with the SDK's context: begin, sleep, race, wait, and many strands at once.

A *strand* is an ordinary generator. It yields the leaf tasks it waits for (it is resumed when any of them has
ended) and returns its result. `conduct` drives one strand on the SDK; `graph.run_graph` makes one strand out of
many, so strands nest. Nothing else touches the SDK's tasks: the move to its 2.x is this file.
"""

from collections.abc import Callable, Generator, Sequence
from datetime import timedelta
from typing import Any, TypeAlias, TypeVar

from azure.durable_functions import EntityId
from azure.durable_functions.models.Task import TimerTask

from murmuration.contracts.base import Contract
from murmuration.contracts.runs import RunInput
from murmuration.contracts.usage import NOTHING, Usage
from murmuration.durable.context import Context, now

T = TypeVar("T")

Leaf: TypeAlias = Any
"""A task of the SDK that isn't made of others: an activity, a timer, an external event."""
Strand: TypeAlias = Generator[tuple[Leaf, ...], None, T]

_BEFORE_WAITING = "murmuration_before_waiting"
"""The attribute of the context that holds what `before_waiting` was given: it lives as long as one replay."""
MAX_TIMER = timedelta(days=3)
"""The SDK can't cancel a timer of more than 6 days; longer waits are made of steps of this length."""


class StepFailed(Exception):
    """A step could not be done: the stable code, a message for people, and what was used on the way."""

    def __init__(self, code: str, message: str, usage: Usage) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.usage = usage


class GivenUp(Exception):
    """Nobody waits for the strand any more. It may end what it has under way elsewhere, and passes this on."""


def before_waiting(context: Context, do: Callable[[], None]) -> None:
    """Have `do` called whenever the workflow has gone as far as it can, and at its end."""
    setattr(context, _BEFORE_WAITING, do)


def conduct(context: Context, strand: Strand[T]) -> Generator[Any, Any, T]:
    """Drive `strand` on the SDK to its end, as `@workflow` does with every workflow.

    The real host replays one top-level action at a time, so a `task_any` which holds running leaves and new
    ones would hold up everything scheduled later until a *new* one ends. A timer that is cancelled at once
    ends that wait immediately: the nudge.
    """
    scheduled: set[Leaf] = set()
    try:
        waiting = next(strand)
        while True:
            waiting = tuple(dict.fromkeys(waiting))  # strands may wait for the same
            if not any_ended(waiting):
                new = [leaf for leaf in waiting if leaf not in scheduled]
                scheduled.update(new)
                nudged = [_nudge(context)] if 0 < len(new) < len(waiting) else []
                _call_before_waiting(context)
                yield context.task_any([*waiting, *nudged])
            waiting = strand.send(None)
    except StopIteration as stop:
        _call_before_waiting(context)
        result: T = stop.value
        return result


def _call_before_waiting(context: Context) -> None:
    do: Callable[[], None] | None = getattr(context, _BEFORE_WAITING, None)
    if do is not None:
        do()


def any_ended(leaves: Sequence[Leaf]) -> bool:
    for leaf in leaves:  # noqa: SIM110 - every replay comes here thousands of times
        if leaf.is_completed:
            return True
    return False


def _nudge(context: Context) -> Leaf:
    nudge: Leaf = context.create_timer(now(context) + timedelta(hours=1))
    nudge.cancel()
    return nudge


def sleep(context: Context, duration: timedelta) -> Strand[None]:
    """Wait on durable timers, in steps of at most `MAX_TIMER`."""
    until = now(context) + duration
    while now(context) < until:
        timer: Leaf = context.create_timer(min(until, now(context) + MAX_TIMER))
        try:
            yield (timer,)
        except GivenUp:
            timer.cancel()  # an open timer would keep the instance running
            raise


def race(*leaves: Leaf) -> Strand[Leaf]:
    """Wait for the first leaf to end; of several that have, the first in the order given."""
    while not any_ended(leaves):
        yield leaves
    return next(leaf for leaf in leaves if leaf.is_completed)


def next_event(context: Context, event: str) -> Strand[Any]:
    """The value of the external event `event`, however long it takes to come; unique as for `wait_for`."""
    raised = context.wait_for_external_event(event)
    yield (raised,)
    return raised.result


def wait_for(context: Context, event: str, timeout: timedelta) -> Strand[Any]:
    """The value of the external event `event`, or None when `timeout` passes first.

    `event` must be unique to this wait: the SDK lets one event satisfy two waits of the same name.
    """
    raised = context.wait_for_external_event(event)
    until = now(context) + timeout
    while now(context) < until:
        timer: Leaf = context.create_timer(min(until, now(context) + MAX_TIMER))
        if (yield from race(raised, timer)) is raised:
            if not timer.is_completed:
                timer.cancel()  # an open timer would keep the instance running
            return raised.result
    return None


def side_by_side(strands: Sequence[Strand[None]], over: Callable[[], bool]) -> Strand[None]:
    """Run `strands` at once until all have ended or `over()`; the timers of those still waiting are cancelled."""
    running = {strand: next(strand, ()) for strand in strands}
    while not over():
        running = {strand: leaves for strand, leaves in running.items() if leaves}
        awake = [strand for strand, leaves in running.items() if any_ended(leaves)]
        for strand in awake:
            if not over():
                running[strand] = next(strand, ())
        if not running:
            return
        if not awake:
            yield tuple(leaf for leaves in running.values() for leaf in leaves)
    for leaf in (leaf for leaves in running.values() for leaf in leaves):
        if isinstance(leaf, TimerTask) and not leaf.is_completed:
            leaf.cancel()  # type: ignore[no-untyped-call] # an open timer would keep the instance running


def begin_activity(context: Context, name: str, value: Contract) -> Leaf:
    """The activity `name`. Its result is an Exception when it broke."""
    return context.call_activity(name, value.model_dump(mode="json"))


def begin_orchestrator(context: Context, name: str, value: RunInput, instance: str) -> Leaf:
    """Begin the workflow `name` as `instance`, under the version that its input says.

    Its result is an Exception when it broke or was stopped.
    """
    return context.call_sub_orchestrator(name, value.model_dump(mode="json"), instance, value.workflow_version or None)


def call_entity(context: Context, name: str, key: str, operation: str, value: Contract) -> Strand[Any]:
    """What the entity's operation answers; raises `StepFailed` when it broke."""
    leaf = context.call_entity(EntityId(name, key), operation, value.model_dump(mode="json"))
    yield (leaf,)
    if isinstance(leaf.result, Exception):
        raise StepFailed("entity_broke", f"{operation} of {name} could not be done", NOTHING)
    return leaf.result


def give_up(strand: Strand[Any]) -> Strand[None]:
    """Nobody waits for `strand` any more: let it end what it has under way elsewhere."""
    try:
        waiting = strand.throw(GivenUp())
        while True:
            yield waiting
            waiting = strand.send(None)
    except (GivenUp, StopIteration):
        return


def within(context: Context, seconds: int, strand: Strand[T]) -> Strand[T]:
    """The strand's result; raises `StepFailed` when it has none after `seconds`, and then it goes on no further.

    What it had scheduled runs to its end, and nobody looks at it; Durable ends an instance only after that.
    """
    try:
        waiting = next(strand)
    except StopIteration as stop:
        ready: T = stop.value
        return ready
    timer: Leaf = context.create_timer(now(context) + timedelta(seconds=seconds))
    try:
        while True:
            yield (*waiting, timer)
            if any_ended(waiting):
                waiting = strand.send(None)
            elif timer.is_completed:
                yield from give_up(strand)
                raise StepFailed("task_timeout", f"not done after {seconds} s", NOTHING)
    except GivenUp:
        yield from give_up(strand)
        raise
    except StopIteration as stop:
        result: T = stop.value
        return result
    finally:
        if not timer.is_completed:
            timer.cancel()  # an open timer would keep the instance running
