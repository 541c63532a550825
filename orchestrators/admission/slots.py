"""Wait for a slot: no more of a tenant's runs work at once than the limit says.

The entity `active_runs` gives the slots. A run that releases its slot wakes the next one. A run that nobody wakes asks
again by itself, and then checks whether the slot holders are still under way: one that was terminated can't release.
"""

import asyncio
from collections.abc import Awaitable
from datetime import timedelta
from typing import Literal, TypeVar

from murmuration.contracts.admission import Acquire, Admission, Release, SlotHolderCheck
from murmuration.contracts.base import Contract
from murmuration.contracts.steps import CHECK_SLOT_HOLDERS
from murmuration.durable.calls import call
from murmuration.durable.errors import DurableTaskFailed, StepFailed
from murmuration.policy.tenancy import tenant_key
from orchestrators.goal.run import Run

T = TypeVar("T")

FIRST_WAIT = timedelta(seconds=5)
MAX_WAIT = timedelta(minutes=5)
"""The longest pause between two requests of a run that nobody wakes; the pauses before double."""


async def with_slot(run: Run, work: Awaitable[T]) -> T:
    """Await `work` while the run holds a slot."""
    await acquire(run)
    result = await work
    await release(run)
    return result


async def acquire(run: Run, *, again: bool = False) -> None:
    """Wait for a slot, as long as it takes: the time counts against no budget. `again`: the run had one before."""
    limit = run.goal.active_limit
    if limit is None:
        return
    with run.clock.stopped():
        pause, waits = FIRST_WAIT, 1
        before = None
        while True:
            event = f"slot-{run.gates}-{waits}"
            request = Acquire(run=run.flow.instance_id, limit=limit, event=event, at=run.flow.now, again=again)
            if await _request(run, "acquire", request):
                break
            before = before or run.set_stage("queued")
            await _woken(run, event, pause)
            pause, waits = min(pause * 2, MAX_WAIT), waits + 1
    if before is not None:
        run.set_stage(before)


async def _woken(run: Run, event: str, pause: timedelta) -> None:
    """Wait until another run has raised `event`, or the pause is over: what counts is the entity's answer."""
    try:
        async with asyncio.timeout(pause.total_seconds()):
            await run.flow.event(event)
    except TimeoutError:
        return


async def release(run: Run) -> None:
    """Release the slot. When that fails, other runs will find out that this one has ended."""
    if run.goal.active_limit is None:
        return
    own = run.flow.instance_id
    try:
        await _request(run, "release", Release(run=own, ended=(own,)))
    except (StepFailed, DurableTaskFailed):
        return


async def _request(run: Run, operation: Literal["acquire", "release"], value: Contract) -> bool:
    """Return whether the run has a slot now. Runs that got one are woken; ended ones lose theirs to the next."""
    own = run.flow.instance_id
    while True:
        key = tenant_key(run.goal.owner.tenant)
        admission = Admission.model_validate(await run.flow.entity("active_runs", key, operation, value))
        if not admission.wakes:
            return admission.admitted
        try:
            check = await call(run.flow, CHECK_SLOT_HOLDERS, SlotHolderCheck(wakes=admission.wakes))
        except StepFailed:
            return admission.admitted
        if not check.value.runs:
            return admission.admitted
        operation, value = "release", Release(run=own, ended=check.value.runs)
