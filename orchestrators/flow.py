"""Everything the orchestrators do with the SDK's context: call, sleep, race, wait, and many strands at once.

A *strand* is an ordinary generator. It yields the leaf tasks it waits for (it is resumed when any of them has
ended) and returns its result. `conduct` drives one strand on the SDK; `graph.run_graph` makes one strand out of
many, so strands nest. Nothing else touches the SDK's tasks: the move to its 2.x is this file.
"""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Generic, TypeAlias, TypeVar

from azure.durable_functions import DurableOrchestrationContext, EntityId
from azure.durable_functions.models.Task import TimerTask
from pydantic import TypeAdapter

from contracts.background import UnderWay
from contracts.base import Contract
from contracts.steps import (
    CANCEL_BACKGROUND,
    PENDING,
    Done,
    Failed,
    Later,
    Returns,
    Step,
    StepCall,
    StepResult,
    Takes,
)
from contracts.usage import NOTHING, Usage

T = TypeVar("T")

Context: TypeAlias = DurableOrchestrationContext
Leaf: TypeAlias = Any
"""A task of the SDK that isn't made of others: an activity, a timer, an external event."""
Strand: TypeAlias = Generator[tuple[Leaf, ...], None, T]

LONGEST_TIMER = timedelta(days=3)
"""The SDK can't cancel a timer of more than 6 days; longer waits are made of steps of this length."""
FIRST_BACKOFF_SECONDS = 1.0
LONGEST_BACKOFF_SECONDS = 60.0
FIRST_POLL_SECONDS = 2.0
"""Before the first look at what a provider works on in the background; later pauses grow."""
POLL_GROWTH = 1.5
LONGEST_PENDING = timedelta(hours=1)
"""What is not done after that is cancelled."""

_STEP_RESULT: TypeAdapter[Done | Later | Failed] = TypeAdapter(StepResult)


class StepFailed(Exception):
    """A step could not be done: the stable code, a message for people, and what was used on the way."""

    def __init__(self, code: str, message: str, usage: Usage) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.usage = usage


class GivenUp(Exception):
    """Nobody waits for the strand any more. It may end what it has under way elsewhere, and passes this on."""


@dataclass(frozen=True)
class Result(Generic[Returns]):
    """What a step returned, and what it took: `usage` counts every attempt."""

    value: Returns
    usage: Usage
    done: Done


def conduct(
    context: Context, strand: Strand[T], before_waiting: Callable[[], None] = lambda: None
) -> Generator[Any, Any, T]:
    """Drive `strand` on the SDK to its end; an orchestrator function returns `yield from conduct(…)`.

    The real host replays one top-level action at a time, so a `task_any` which holds running leaves and new
    ones would hold up everything scheduled later until a *new* one ends. A timer that is cancelled at once
    ends that wait immediately: the nudge. `before_waiting` is called whenever the strand has gone as far as it can.
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
                before_waiting()
                yield context.task_any([*waiting, *nudged])
            waiting = strand.send(None)
    except StopIteration as stop:
        before_waiting()
        result: T = stop.value
        return result


def any_ended(leaves: Sequence[Leaf]) -> bool:
    for leaf in leaves:  # noqa: SIM110 - every replay comes here thousands of times
        if leaf.is_completed:
            return True
    return False


def _nudge(context: Context) -> Leaf:
    nudge: Leaf = context.create_timer(context.current_utc_datetime + timedelta(hours=1))
    nudge.cancel()
    return nudge


def call(
    context: Context, step: Step[Takes, Returns], value: Takes, *, cheapest: bool = False
) -> Strand[Result[Returns]]:
    """Have `step` done; raises `StepFailed` when it can't be, or was not within the row's attempts.

    `Later` is a durable sleep as long as the outside asked for, or with doubling pauses. An activity that
    *raised* has a bug or lost its worker: it is tried again like a `Later`. What a provider works on in the background
    is looked at with growing pauses, which are no attempts, and cancelled when nobody waits any more.
    """
    used = NOTHING
    attempt, polls, token = 1, 0, None
    until = context.current_utc_datetime + LONGEST_PENDING
    try:
        while True:
            message = StepCall(
                run=context.instance_id,
                attempt=attempt,
                cheapest=cheapest,
                token=token,
                value=value.model_dump(mode="json"),
            )
            leaf = context.call_activity(step.name, message.model_dump(mode="json"))
            yield (leaf,)
            outcome = _read(leaf, token)
            used = used + outcome.usage
            if isinstance(outcome, Done):
                return Result(step.returns.model_validate(outcome.value), used, outcome)
            if isinstance(outcome, Failed):
                raise StepFailed(outcome.code, outcome.message, used)
            token = outcome.token
            late = outcome.code == PENDING and context.current_utc_datetime >= until
            if late or (outcome.code != PENDING and attempt == step.attempts):
                yield from _cancel(context, token)
                raise StepFailed(outcome.code, f"{step.name} gave up after {attempt} attempts", used)
            yield from sleep(context, timedelta(seconds=_pause(outcome, attempt, polls)))
            attempt, polls = (attempt, polls + 1) if outcome.code == PENDING else (attempt + 1, polls)
    except GivenUp:
        yield from _cancel(context, token)
        raise


def _pause(outcome: Later, attempt: int, polls: int) -> float:
    """Seconds until the next attempt, or the next look."""
    if outcome.code == PENDING:
        growth: float = POLL_GROWTH**polls
        return min(FIRST_POLL_SECONDS * growth, LONGEST_BACKOFF_SECONDS)
    if outcome.seconds is not None:
        return outcome.seconds
    growth = 2.0 ** (attempt - 1)
    return min(FIRST_BACKOFF_SECONDS * growth, LONGEST_BACKOFF_SECONDS)


def _cancel(context: Context, token: str | None) -> Strand[None]:
    """Nobody waits for it any more: the provider need not work on."""
    if token is not None:
        value = UnderWay(token=token).model_dump(mode="json")
        message = StepCall(run=context.instance_id, attempt=1, value=value)
        yield (context.call_activity(CANCEL_BACKGROUND.name, message.model_dump(mode="json")),)


def _read(leaf: Leaf, token: str | None) -> Done | Later | Failed:
    if isinstance(leaf.result, Exception):
        return Later(code="step_broke", token=token)
    return _STEP_RESULT.validate_python(leaf.result)


def sleep(context: Context, duration: timedelta) -> Strand[None]:
    """Wait on durable timers, in steps of at most `LONGEST_TIMER`."""
    until = context.current_utc_datetime + duration
    while context.current_utc_datetime < until:
        timer: Leaf = context.create_timer(min(until, context.current_utc_datetime + LONGEST_TIMER))
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
    until = context.current_utc_datetime + timeout
    while context.current_utc_datetime < until:
        timer: Leaf = context.create_timer(min(until, context.current_utc_datetime + LONGEST_TIMER))
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


def begin_orchestrator(context: Context, name: str, value: Contract, instance: str) -> Leaf:
    """The orchestrator `name`, run as `instance`. Its result is an Exception when it broke or was stopped."""
    return context.call_sub_orchestrator(name, value.model_dump(mode="json"), instance)


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
    timer: Leaf = context.create_timer(context.current_utc_datetime + timedelta(seconds=seconds))
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
