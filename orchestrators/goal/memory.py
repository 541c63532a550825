"""Memory of a run: recall before it plans, remember at the end. None of it can fail the run."""

from murmuration.contracts.answers import Answer
from murmuration.contracts.memories import ExtractionRequest, Lesson, Note, RecallRequest, RememberRequest, Turn
from murmuration.contracts.steps import APPEND_TURN, EXTRACT_LESSONS, RECALL_MEMORY, REMEMBER_RESULT
from murmuration.durable.errors import StepFailed
from orchestrators.goal.run import BudgetExceeded, Run


async def recall(run: Run) -> tuple[Note, ...]:
    run.set_stage("recalling")
    try:
        recalled = await run.step(RECALL_MEMORY, RecallRequest(owner=run.goal.owner, goal=run.goal.text))
    except StepFailed:
        run.degrade("no_memory")
        return ()
    return recalled.notes


async def remember(run: Run, answer: Answer) -> None:
    """Leave the answer, and the lessons drawn from it, for later runs."""
    if not run.goal.options.remember:
        return
    run.set_stage("remembering")
    remembrance = RememberRequest(
        owner=run.goal.owner,
        session=run.goal.session,
        run=run.flow.instance_id,
        at=run.flow.now,
        goal=run.goal.text,
        answer=answer.answer,
        sources=tuple(dict.fromkeys(citation.source for citation in answer.citations)),
        importance=run.verdict.score if run.verdict else 0.5,
        lessons=(await _lessons(run, answer)),
    )
    try:
        await run.step(REMEMBER_RESULT, remembrance)
    except (StepFailed, BudgetExceeded):
        run.degrade("not_remembered")


async def _lessons(run: Run, answer: Answer) -> tuple[Lesson, ...]:
    extraction = ExtractionRequest(goal=run.goal.text, answer=answer.answer, notes=run.notes, session=run.goal.session)
    try:
        extracted = await run.step(EXTRACT_LESSONS, extraction)
    except (StepFailed, BudgetExceeded):
        run.degrade("no_lessons")
        return ()
    return extracted.lessons


async def append_turn(run: Run, answer: Answer) -> None:
    """Add the goal and its answer to the conversation that it is part of."""
    if not run.goal.session:
        return
    turn = Turn(
        session=run.goal.session,
        run=run.flow.instance_id,
        at=run.flow.now,
        goal=run.goal.text,
        answer=answer.answer,
    )
    try:
        await run.step(APPEND_TURN, turn)
    except (StepFailed, BudgetExceeded):
        run.degrade("turn_not_kept")
