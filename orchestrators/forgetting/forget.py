"""Forget: stop runs -> rows -> artifacts and conversations, again until nothing is found; pause; once more -> receipt.

Going through everything is at once deleting and reading back: what is found is deleted, and finding nothing is the
proof. What is deleted may be seen a while longer, and what was written before may not be seen yet; so nothing found
counts only when, after a pause, there is still nothing.
"""

from collections import Counter
from collections.abc import Generator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal, TypeVar

from murmuration.contracts.forgetting import Forgetting, Receipt, RowSweep, Sweep, Swept, Tally
from murmuration.contracts.steps import (
    FORGET_COUNT,
    FORGET_NOTES,
    FORGET_OBJECTS,
    FORGET_RECORDS,
    FORGET_ROWS,
    FORGET_RUNS,
    Step,
)
from murmuration.durable.calls import call
from murmuration.durable.flow import Context, StepFailed, Strand, conduct, sleep
from murmuration.policy.forgetting import sealed

FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 30.0
STOPPING_READINGS = 8
"""How often runs that were told to stop are looked at, within one reading, before all else goes on."""
INDEXES: tuple[Literal["knowledge", "memory"], ...] = ("knowledge", "memory")

S = TypeVar("S", bound=Sweep)


@dataclass
class Reading:
    """One time through everything."""

    found: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        return not self.found.total() and not self.problems


def forget(context: Context) -> Generator[Any, Any, dict[str, Any]]:
    """Takes a `Forgetting`, returns a `Receipt`, both as JSON."""
    receipt = yield from conduct(context, _forget(context, Forgetting.model_validate(context.get_input())))
    return receipt.model_dump(mode="json")


def _forget(context: Context, asked: Forgetting) -> Strand[Receipt]:
    began = context.current_utc_datetime
    verified, readings, last = yield from _until_nothing_is_found(context, asked)
    if verified:
        yield from _sweep(context, FORGET_RECORDS, Sweep(subject=asked.subject), last, "records")
        last.found.clear()  # they were deleted on purpose
    deleted = yield from _count(context, asked, last)
    yield from _sweep(context, FORGET_NOTES, Sweep(subject=asked.subject), last, "notes")
    return sealed(
        Receipt(
            id=context.instance_id,
            kind=asked.subject.kind,
            key=asked.subject.key,
            deleted=deleted,
            read_back=readings - 1,
            remains=dict(sorted((+last.found).items())),
            problems=tuple(sorted(set(last.problems))),
            verified=verified and last.clean,
            started=began,
            finished=context.current_utc_datetime,
        )
    )


def _until_nothing_is_found(context: Context, asked: Forgetting) -> Strand[tuple[bool, int, Reading]]:
    """Whether there was nothing twice, with the pause between; how often it was read; the last reading."""
    pause = FIRST_PAUSE_SECONDS
    readings, was_clean = 0, False
    while True:
        reading = yield from _read_and_delete(context, asked)
        readings += 1
        if (reading.clean and was_clean) or readings == asked.patience.readings:
            return reading.clean and was_clean, readings, reading
        was_clean = reading.clean
        if was_clean:
            yield from sleep(context, timedelta(seconds=(yield from _quiet_seconds(context, asked))))
        else:
            yield from sleep(context, timedelta(seconds=pause))
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)


def _quiet_seconds(context: Context, asked: Forgetting) -> Strand[float]:
    """A step that was under way when its run was stopped may write until its time is over."""
    deleted = yield from _count(context, asked, Reading())
    patience = asked.patience
    return patience.after_stop_seconds if deleted.stopped else patience.quiet_seconds


def _read_and_delete(context: Context, asked: Forgetting) -> Strand[Reading]:
    reading = Reading()
    sweep = Sweep(subject=asked.subject)
    yield from _runs(context, sweep, reading)
    for index in INDEXES:
        yield from _sweep(context, FORGET_ROWS, RowSweep(subject=asked.subject, index=index), reading, index)
    yield from _sweep(context, FORGET_OBJECTS, sweep, reading, "objects")
    return reading


def _runs(context: Context, sweep: Sweep, reading: Reading) -> Strand[None]:
    """Until none is under way, so that what is deleted next is not written again."""
    pause = FIRST_PAUSE_SECONDS
    for _ in range(STOPPING_READINGS):
        look = Reading()
        waiting = yield from _sweep(context, FORGET_RUNS, sweep, look, "runs")
        reading.found.update(look.found)
        if not waiting:
            break
        yield from sleep(context, timedelta(seconds=pause))
        pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
    reading.problems += look.problems


def _sweep(context: Context, step: Step[S, Swept], sweep: S, reading: Reading, where: str) -> Strand[int]:
    """Piece by piece to the end; returns for how many things it must still wait. What fails is noted."""
    waiting = 0
    after: str | None = sweep.after
    while after is not None:
        try:
            swept = (yield from call(context, step, sweep.model_copy(update={"after": after}))).value
        except StepFailed as failure:
            reading.problems.append(f"{where}:{failure.code}")
            return waiting
        reading.found[where] += swept.found + swept.waiting
        waiting += swept.waiting
        after = swept.after
    return waiting


def _count(context: Context, asked: Forgetting, reading: Reading) -> Strand[Tally]:
    try:
        return (yield from call(context, FORGET_COUNT, Sweep(subject=asked.subject))).value
    except StepFailed as failure:
        reading.problems.append(f"count:{failure.code}")
        return Tally()
