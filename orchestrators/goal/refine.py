"""Draft, judge, revise: until the verdict is good, the limit is reached, or it no longer gets better."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from murmuration.contracts.answers import Draft, Evaluation, FailedTask, Verdict
from murmuration.contracts.content import Content
from murmuration.contracts.rules import Rules
from murmuration.contracts.steps import EVALUATE_RESULT
from murmuration.durable.errors import StepFailed
from orchestrators.goal.run import Run
from orchestrators.goal.task_result import lost_parts

D = TypeVar("D", bound=Draft)

Write = Callable[[Draft | None, str, int], Awaitable[D]]
"""Makes the draft number `revision` (0 is the first) from the draft before it and what should change."""


@dataclass(frozen=True)
class Evaluated(Generic[D]):
    """The best draft, and what was said of it (None: the evaluator could not say)."""

    draft: D
    verdict: Verdict | None


NO_RULES = Rules()


@dataclass(frozen=True)
class Criteria:
    """The criteria by which a draft is judged."""

    instruction: str
    inserts: Mapping[str, tuple[Content, ...]] = field(default_factory=dict)
    """The contents for which the references in the instruction stand."""
    rules: Rules = NO_RULES
    failed: tuple[FailedTask, ...] = ()
    """Everything that a draft has to be written without."""
    task: str = ""
    """The task whose result is judged; empty: the answer to the whole goal."""


async def refine(run: Run, standard: Criteria, write: Write[D]) -> Evaluated[D]:
    """The best version and not the last; raises `StepFailed` only when there is no draft at all."""
    best: Evaluated[D] | None = None
    previous: Draft | None = None
    changes = ""
    for revision in range(run.goal.options.revision_limit + 1):
        try:
            draft = await write(previous, changes, revision)
        except StepFailed:
            if best is None:
                raise
            run.degrade("revision_failed")
            return best
        verdict = await _judge(run, standard, draft)
        judged = Evaluated(draft, verdict)
        if verdict is None:
            return best or judged
        if best is not None and best.verdict is not None and not _better(verdict, best.verdict):
            return best
        best = judged
        if verdict.passed:
            return best
        previous, changes = draft, verdict.changes
    assert best is not None  # noqa: S101 - the range has at least one element, and each pass sets it
    return best


def _better(new: Verdict, old: Verdict) -> bool:
    return (new.passed, new.score) > (old.passed, old.score)


async def _judge(run: Run, standard: Criteria, draft: Draft) -> Verdict | None:
    evaluation = Evaluation(
        goal=run.goal.text,
        instruction=standard.instruction,
        inserts=dict(standard.inserts),
        draft=draft,
        rules=standard.rules,
        wishes=run.wishes if not standard.task else (),
        failed=(*standard.failed, *lost_parts(standard.task, draft.lost_items)),
    )
    try:
        return await run.step(EVALUATE_RESULT, evaluation, about=standard.task)
    except StepFailed:
        run.degrade("not_evaluated")
        return None
