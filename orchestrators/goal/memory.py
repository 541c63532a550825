"""What a run recalls before it plans, and what it leaves behind. None of it can fail the run."""

from murmuration.contracts.answers import Answer
from murmuration.contracts.memories import Extraction, Lesson, Note, Recall, Remembrance, Turn
from murmuration.contracts.steps import EXTRACT_LESSONS, KEEP_TURN, RECALL_MEMORY, REMEMBER_RESULT
from murmuration.durable.flow import StepFailed, Strand
from orchestrators.goal.run import BudgetExceeded, Run


def recall(run: Run) -> Strand[tuple[Note, ...]]:
    run.enter("recalling")
    try:
        recalled = yield from run.step(RECALL_MEMORY, Recall(owner=run.goal.owner, goal=run.goal.text))
    except StepFailed:
        run.degrade("no_memory")
        return ()
    return recalled.notes


def remember(run: Run, answer: Answer) -> Strand[None]:
    """Leave the answer, and the lessons drawn from it, for later runs."""
    if not run.goal.options.remember:
        return
    run.enter("remembering")
    remembrance = Remembrance(
        owner=run.goal.owner,
        session=run.goal.session,
        run=run.context.instance_id,
        at=run.context.current_utc_datetime,
        goal=run.goal.text,
        answer=answer.answer,
        sources=tuple(dict.fromkeys(citation.source for citation in answer.citations)),
        importance=run.verdict.score if run.verdict else 0.5,
        lessons=(yield from _lessons(run, answer)),
    )
    try:
        yield from run.step(REMEMBER_RESULT, remembrance)
    except (StepFailed, BudgetExceeded):
        run.degrade("not_remembered")


def _lessons(run: Run, answer: Answer) -> Strand[tuple[Lesson, ...]]:
    extraction = Extraction(goal=run.goal.text, answer=answer.answer, notes=run.notes, session=run.goal.session)
    try:
        extracted = yield from run.step(EXTRACT_LESSONS, extraction)
    except (StepFailed, BudgetExceeded):
        run.degrade("no_lessons")
        return ()
    return extracted.lessons


def keep_turn(run: Run, answer: Answer) -> Strand[None]:
    """Add the goal and its answer to the conversation that it is part of."""
    if not run.goal.session:
        return
    turn = Turn(
        session=run.goal.session,
        run=run.context.instance_id,
        at=run.context.current_utc_datetime,
        goal=run.goal.text,
        answer=answer.answer,
    )
    try:
        yield from run.step(KEEP_TURN, turn)
    except (StepFailed, BudgetExceeded):
        run.degrade("turn_not_kept")
