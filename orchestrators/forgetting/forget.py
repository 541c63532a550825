"""Forget: stop runs -> rows -> artifacts and conversations, again until nothing is found; pause; once more -> receipt.

Going through everything is at once deleting and reading back: what is found is deleted, and finding nothing is the
proof. What is deleted may be seen a while longer, and what was written before may not be seen yet; so nothing found
counts only when, after a pause, there is still nothing.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from murmuration.contracts.forgetting import (
    DeletionCounts,
    DeletionPage,
    Forgetting,
    PageResult,
    Receipt,
    RowDeletionPage,
)
from murmuration.contracts.steps import (
    DELETE_DELETION_LOG,
    FORGET_COUNT,
    FORGET_OBJECTS,
    FORGET_RECORDS,
    FORGET_ROWS,
    FORGET_RUNS,
    Step,
)
from murmuration.durable.calls import call
from murmuration.durable.errors import StepFailed
from murmuration.durable.registry import workflow
from murmuration.durable.workflow import Flow
from murmuration.policy.forgetting import with_digest

FIRST_PAUSE_SECONDS = 1.0
MAX_PAUSE_SECONDS = 30.0
STOPPING_READINGS = 8
"""How often runs that were told to stop are looked at, within one reading, before all else goes on."""
INDEXES: tuple[Literal["knowledge", "memory"], ...] = ("knowledge", "memory")

S = TypeVar("S", bound=DeletionPage)


@dataclass
class DeletionPass:
    """One time through everything."""

    found: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        return not self.found.total() and not self.problems


@workflow
async def forget(flow: Flow, asked: Forgetting) -> Receipt:
    """Delete what a `Forgetting` names, and prove by reading it back that it is gone."""
    began = flow.now
    verified, readings, last = await _until_nothing_is_found(flow, asked)
    if verified:
        await _delete_pages(flow, FORGET_RECORDS, DeletionPage(subject=asked.subject), last, "records")
        last.found.clear()  # they were deleted on purpose
    deleted = await _count(flow, asked, last)
    await _delete_pages(flow, DELETE_DELETION_LOG, DeletionPage(subject=asked.subject), last, "deletion_log")
    return with_digest(
        Receipt(
            id=flow.instance_id,
            kind=asked.subject.kind,
            key=asked.subject.key,
            deleted=deleted,
            read_back=readings - 1,
            remains=dict(sorted((+last.found).items())),
            problems=tuple(sorted(set(last.problems))),
            verified=verified and last.clean,
            started=began,
            finished=flow.now,
        )
    )


async def _until_nothing_is_found(flow: Flow, asked: Forgetting) -> tuple[bool, int, DeletionPass]:
    """Return whether two passes found nothing, with a pause between; the number of passes; and the last pass."""
    pause = FIRST_PAUSE_SECONDS
    readings, was_clean = 0, False
    while True:
        reading = await _read_and_delete(flow, asked)
        readings += 1
        if (reading.clean and was_clean) or readings == asked.verification.passes:
            return reading.clean and was_clean, readings, reading
        was_clean = reading.clean
        if was_clean:
            await asyncio.sleep(await _settle_seconds(flow, asked))
        else:
            await asyncio.sleep(pause)
            pause = min(pause * 2, MAX_PAUSE_SECONDS)


async def _settle_seconds(flow: Flow, asked: Forgetting) -> float:
    """A step that was under way when its run was stopped may write until its time is over."""
    deleted = await _count(flow, asked, DeletionPass())
    verification = asked.verification
    return verification.after_stop_seconds if deleted.stopped else verification.settle_seconds


async def _read_and_delete(flow: Flow, asked: Forgetting) -> DeletionPass:
    reading = DeletionPass()
    page_request = DeletionPage(subject=asked.subject)
    await _runs(flow, page_request, reading)
    for index in INDEXES:
        await _delete_pages(flow, FORGET_ROWS, RowDeletionPage(subject=asked.subject, index=index), reading, index)
    await _delete_pages(flow, FORGET_OBJECTS, page_request, reading, "objects")
    return reading


async def _runs(flow: Flow, page_request: DeletionPage, reading: DeletionPass) -> None:
    """Until none is under way, so that what is deleted next is not written again."""
    pause = FIRST_PAUSE_SECONDS
    for _ in range(STOPPING_READINGS):
        look = DeletionPass()
        waiting = await _delete_pages(flow, FORGET_RUNS, page_request, look, "runs")
        reading.found.update(look.found)
        if not waiting:
            break
        await asyncio.sleep(pause)
        pause = min(pause * 2, MAX_PAUSE_SECONDS)
    reading.problems += look.problems


async def _delete_pages(
    flow: Flow, step: Step[S, PageResult], page_request: S, reading: DeletionPass, where: str
) -> int:
    """Delete page by page to the end; returns how many things can't be deleted yet. Failures are noted."""
    waiting = 0
    after: str | None = page_request.after
    while after is not None:
        try:
            result = (await call(flow, step, page_request.model_copy(update={"after": after}), about=where)).value
        except StepFailed as failure:
            reading.problems.append(f"{where}:{failure.code}")
            return waiting
        reading.found[where] += result.found + result.waiting
        waiting += result.waiting
        after = result.after
    return waiting


async def _count(flow: Flow, asked: Forgetting, reading: DeletionPass) -> DeletionCounts:
    try:
        return (await call(flow, FORGET_COUNT, DeletionPage(subject=asked.subject))).value
    except StepFailed as failure:
        reading.problems.append(f"count:{failure.code}")
        return DeletionCounts()
