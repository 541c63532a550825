"""Forget: stop runs -> rows -> artifacts and conversations, again until nothing is found; pause; once more -> receipt.

Going through everything is at once deleting and reading back: what is found is deleted, and finding nothing is the
proof. What is deleted may be seen a while longer, and what was written before may not be seen yet; so nothing found
counts only when, after a pause, there is still nothing.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
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
from murmuration.durable.context import Context, instance_id, now, read_input
from murmuration.durable.flow import StepFailed, Strand, sleep
from murmuration.durable.registry import workflow
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
def forget(context: Context) -> Strand[Receipt]:
    """Delete what a `Forgetting` names, and prove by reading it back that it is gone."""
    asked = read_input(context, Forgetting)
    began = now(context)
    verified, readings, last = yield from _until_nothing_is_found(context, asked)
    if verified:
        yield from _delete_pages(context, FORGET_RECORDS, DeletionPage(subject=asked.subject), last, "records")
        last.found.clear()  # they were deleted on purpose
    deleted = yield from _count(context, asked, last)
    yield from _delete_pages(context, DELETE_DELETION_LOG, DeletionPage(subject=asked.subject), last, "deletion_log")
    return with_digest(
        Receipt(
            id=instance_id(context),
            kind=asked.subject.kind,
            key=asked.subject.key,
            deleted=deleted,
            read_back=readings - 1,
            remains=dict(sorted((+last.found).items())),
            problems=tuple(sorted(set(last.problems))),
            verified=verified and last.clean,
            started=began,
            finished=now(context),
        )
    )


def _until_nothing_is_found(context: Context, asked: Forgetting) -> Strand[tuple[bool, int, DeletionPass]]:
    """Return whether two passes found nothing, with a pause between; the number of passes; and the last pass."""
    pause = FIRST_PAUSE_SECONDS
    readings, was_clean = 0, False
    while True:
        reading = yield from _read_and_delete(context, asked)
        readings += 1
        if (reading.clean and was_clean) or readings == asked.verification.passes:
            return reading.clean and was_clean, readings, reading
        was_clean = reading.clean
        if was_clean:
            yield from sleep(context, timedelta(seconds=(yield from _settle_seconds(context, asked))))
        else:
            yield from sleep(context, timedelta(seconds=pause))
            pause = min(pause * 2, MAX_PAUSE_SECONDS)


def _settle_seconds(context: Context, asked: Forgetting) -> Strand[float]:
    """A step that was under way when its run was stopped may write until its time is over."""
    deleted = yield from _count(context, asked, DeletionPass())
    verification = asked.verification
    return verification.after_stop_seconds if deleted.stopped else verification.settle_seconds


def _read_and_delete(context: Context, asked: Forgetting) -> Strand[DeletionPass]:
    reading = DeletionPass()
    page_request = DeletionPage(subject=asked.subject)
    yield from _runs(context, page_request, reading)
    for index in INDEXES:
        yield from _delete_pages(
            context, FORGET_ROWS, RowDeletionPage(subject=asked.subject, index=index), reading, index
        )
    yield from _delete_pages(context, FORGET_OBJECTS, page_request, reading, "objects")
    return reading


def _runs(context: Context, page_request: DeletionPage, reading: DeletionPass) -> Strand[None]:
    """Until none is under way, so that what is deleted next is not written again."""
    pause = FIRST_PAUSE_SECONDS
    for _ in range(STOPPING_READINGS):
        look = DeletionPass()
        waiting = yield from _delete_pages(context, FORGET_RUNS, page_request, look, "runs")
        reading.found.update(look.found)
        if not waiting:
            break
        yield from sleep(context, timedelta(seconds=pause))
        pause = min(pause * 2, MAX_PAUSE_SECONDS)
    reading.problems += look.problems


def _delete_pages(
    context: Context, step: Step[S, PageResult], page_request: S, reading: DeletionPass, where: str
) -> Strand[int]:
    """Delete page by page to the end; returns how many things can't be deleted yet. Failures are noted."""
    waiting = 0
    after: str | None = page_request.after
    while after is not None:
        try:
            result = (
                yield from call(context, step, page_request.model_copy(update={"after": after}), about=where)
            ).value
        except StepFailed as failure:
            reading.problems.append(f"{where}:{failure.code}")
            return waiting
        reading.found[where] += result.found + result.waiting
        waiting += result.waiting
        after = result.after
    return waiting


def _count(context: Context, asked: Forgetting, reading: DeletionPass) -> Strand[DeletionCounts]:
    try:
        return (yield from call(context, FORGET_COUNT, DeletionPage(subject=asked.subject))).value
    except StepFailed as failure:
        reading.problems.append(f"count:{failure.code}")
        return DeletionCounts()
