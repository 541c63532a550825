"""Slots: no more of a tenant's runs work at once than the limit says.

The entity `active_runs` gives the slots. A run that releases its slot wakes the next. A run that nobody wakes asks
again by itself, and then checks whether the holders of slots still work: a terminated run can't release its slot.
"""

from datetime import timedelta
from typing import Literal, TypeVar

from murmuration.contracts.admission import Acquire, Admission, Release, SlotHolderCheck
from murmuration.contracts.base import Contract
from murmuration.contracts.steps import CHECK_SLOT_HOLDERS
from murmuration.durable.calls import call
from murmuration.durable.context import instance_id, now
from murmuration.durable.flow import StepFailed, Strand, call_entity, wait_for
from murmuration.policy.tenancy import tenant_key
from orchestrators.goal.run import Run

T = TypeVar("T")

FIRST_WAIT = timedelta(seconds=5)
MAX_WAIT = timedelta(minutes=5)
"""The longest wait of a run that nobody wakes, before it asks again; the waits before it double."""


def with_slot(run: Run, strand: Strand[T]) -> Strand[T]:
    """Run `strand` while the run holds a slot, and return its result."""
    yield from acquire(run)
    result = yield from strand
    yield from release(run)
    return result


def acquire(run: Run, *, again: bool = False) -> Strand[None]:
    """Wait for a slot, as long as it takes: the time is not charged to the budget. `again`: the run had one before."""
    limit = run.goal.active_limit
    if limit is None:
        return
    context = run.context
    began, pause, waits = now(context), FIRST_WAIT, 1
    before = None
    while True:
        event = f"slot-{run.gates}-{waits}"
        at = now(context)
        request = Acquire(run=instance_id(context), limit=limit, event=event, at=at, again=again)
        if (yield from _ask(run, "acquire", request)):
            break
        before = before or run.set_stage("queued")
        yield from wait_for(context, event, pause)
        pause, waits = min(pause * 2, MAX_WAIT), waits + 1
    run.waited += now(context) - began
    if before is not None:
        run.set_stage(before)


def release(run: Run) -> Strand[None]:
    """Release the slot. When that fails, other runs will find out that this one has ended."""
    if run.goal.active_limit is None:
        return
    own = instance_id(run.context)
    try:
        yield from _ask(run, "release", Release(run=own, ended=(own,)))
    except StepFailed:
        return


def _ask(run: Run, operation: Literal["acquire", "release"], value: Contract) -> Strand[bool]:
    """Return whether the run has a slot now. Runs that got one are woken; runs that have ended lose theirs."""
    own = instance_id(run.context)
    while True:
        key = tenant_key(run.goal.owner.tenant)
        answer = yield from call_entity(run.context, "active_runs", key, operation, value)
        admission = Admission.model_validate(answer)
        if not admission.wakes:
            return admission.admitted
        try:
            ended = (
                yield from call(run.context, CHECK_SLOT_HOLDERS, SlotHolderCheck(wakes=admission.wakes))
            ).value.runs
        except StepFailed:
            return admission.admitted
        if not ended:
            return admission.admitted
        operation, value = "release", Release(run=own, ended=ended)
