"""A run before its turn: no more of a tenant's runs work at once than the limit says.

The entity `active_runs` gives the places. Who leaves wakes who is next. A run that nobody wakes asks again by itself,
and then looks whether those that have a place are still under way: one that was terminated can't leave.
"""

from datetime import timedelta
from typing import Literal, TypeVar

from murmuration.contracts.admission import Admission, Departure, Entry, Knocks
from murmuration.contracts.base import Contract
from murmuration.contracts.steps import KNOCK
from murmuration.durable.calls import call
from murmuration.durable.flow import StepFailed, Strand, call_entity, wait_for
from murmuration.policy.tenancy import tenant_key
from orchestrators.goal.run import Run

T = TypeVar("T")

FIRST_WAIT = timedelta(seconds=5)
LONGEST_WAIT = timedelta(minutes=5)
"""Between two questions of a run that nobody wakes; the waits before double."""


def in_turn(run: Run, strand: Strand[T]) -> Strand[T]:
    """What `strand` returns, begun when the run has a place, which it gives back at the end."""
    yield from enter(run)
    result = yield from strand
    yield from leave(run)
    return result


def enter(run: Run, *, again: bool = False) -> Strand[None]:
    """Wait for a place, as long as it takes: the time is nobody's budget. `again`: it had one before."""
    limit = run.goal.active_limit
    if limit is None:
        return
    context = run.context
    began, pause, waits = context.current_utc_datetime, FIRST_WAIT, 1
    before = None
    while True:
        event = f"place-{run.gates}-{waits}"
        at = context.current_utc_datetime
        entry = Entry(run=context.instance_id, limit=limit, event=event, at=at, again=again)
        if (yield from _ask(run, "enter", entry)):
            break
        before = before or run.enter("queued")
        yield from wait_for(context, event, pause)
        pause, waits = min(pause * 2, LONGEST_WAIT), waits + 1
    run.waited += context.current_utc_datetime - began
    if before is not None:
        run.enter(before)


def leave(run: Run) -> Strand[None]:
    """Give the place back. When that fails, others will find out that the run is over."""
    if run.goal.active_limit is None:
        return
    own = run.context.instance_id
    try:
        yield from _ask(run, "leave", Departure(run=own, gone=(own,)))
    except StepFailed:
        return


def _ask(run: Run, operation: Literal["enter", "leave"], value: Contract) -> Strand[bool]:
    """Whether the run has a place now. Who got one is told; those that are over lose theirs to the next."""
    own = run.context.instance_id
    while True:
        key = tenant_key(run.goal.owner.tenant)
        answer = yield from call_entity(run.context, "active_runs", key, operation, value)
        admission = Admission.model_validate(answer)
        if not admission.knocks:
            return admission.admitted
        try:
            gone = (yield from call(run.context, KNOCK, Knocks(knocks=admission.knocks))).value.runs
        except StepFailed:
            return admission.admitted
        if not gone:
            return admission.admitted
        operation, value = "leave", Departure(run=own, gone=gone)
