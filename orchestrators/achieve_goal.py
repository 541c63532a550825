"""Achieve a goal: recall, plan, perform each task as soon as its inputs are ready, answer, revise, remember.

Replayed from history after every step: it may read only its input, the context, and what steps return.
"""

from collections.abc import Generator, Mapping
from typing import Any

from contracts.answers import (
    Answer,
    AnswerBrief,
    Draft,
    FailedTask,
    Outcome,
    Problem,
    TaskAnswer,
)
from contracts.goals import Goal
from contracts.plans import Plan, PlanBrief
from contracts.steps import PLAN_GOAL, WRITE_ANSWER
from orchestrators.flow import Context, StepFailed, Strand, conduct, run_graph
from orchestrators.memory import keep_turn, recall, remember
from orchestrators.perform_task import Performed, perform_task
from orchestrators.revise import revise_until_good
from orchestrators.run import BudgetExceeded, Run

PLANS_ASKED_FOR = 3
"""The first, and two more with the reason why the one before could not be used."""


class Unachievable(Exception):
    """The run ends here as `failed`."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def achieve_goal(context: Context) -> Generator[Any, Any, dict[str, Any]]:
    """Takes a `Goal`, returns an `Outcome`, both as JSON."""
    run = Run(context, Goal.model_validate(context.get_input()))
    outcome = yield from conduct(context, _achieve(run))
    return outcome.model_dump(mode="json")


def _achieve(run: Run) -> Strand[Outcome]:
    try:
        run.notes = yield from recall(run)
        plan = yield from _plan(run)
        performed = yield from _work(run, plan)
        yield from _answer(run, plan, performed)
        yield from remember(run)
        yield from keep_turn(run)
    except Unachievable as end:
        return run.outcome(Problem(code=end.code, message=str(end)))
    except BudgetExceeded as end:
        return run.outcome(Problem(code="budget_exceeded", message=str(end)))
    except StepFailed as end:
        return run.outcome(Problem(code=end.code, message=end.message))
    return run.outcome()


def _plan(run: Run) -> Strand[Plan]:
    run.enter("planning")
    brief = PlanBrief(goal=run.goal.text, session=run.goal.session, notes=run.notes)
    for _ in range(PLANS_ASKED_FOR):
        planned = yield from run.step(PLAN_GOAL, brief)
        if planned.plan is not None:
            run.expect(planned.plan.tasks)
            return planned.plan
        brief = brief.model_copy(update={"rejected": planned.rejected})
    raise Unachievable(planned.code or "unusable_plan", f"no usable plan in {PLANS_ASKED_FOR}: {planned.rejected}")


def _work(run: Run, plan: Plan) -> Strand[dict[str, Performed]]:
    run.enter("working")
    tasks = {task.id: task for task in plan.tasks}

    def begin(name: str, earlier: Mapping[str, Performed]) -> Strand[Performed]:
        return perform_task(run, tasks[name], earlier)

    inputs = {task.id: task.depends_on for task in plan.tasks}
    return (yield from run_graph(list(tasks), inputs, begin, run.goal.options.concurrency))


def _answer(run: Run, plan: Plan, performed: Mapping[str, Performed]) -> Strand[None]:
    run.enter("writing")
    results, failed = _sorted_out(plan, performed)
    if not results:
        reasons = "; ".join(f"{each.task}: {each.reason}" for each in failed)
        raise Unachievable("no_task_succeeded", f"no task of the plan produced an answer ({reasons})")

    def write(previous: Draft | None, changes: str, revision: int) -> Strand[Answer]:
        run.revisions = revision
        brief = AnswerBrief(
            goal=run.goal.text,
            session=run.goal.session,
            results=results,
            failed=failed,
            previous=previous,
            changes=changes,
        )
        written = yield from run.step(WRITE_ANSWER, brief)
        run.answer = run.answer or written  # what there is, should the budget end the run before a verdict
        return written

    judged = yield from revise_until_good(run, run.goal.text, write)
    run.answer, run.verdict = judged.draft, judged.verdict


def _sorted_out(
    plan: Plan, performed: Mapping[str, Performed]
) -> tuple[tuple[TaskAnswer, ...], tuple[FailedTask, ...]]:
    """What the writer works from: every task that has an answer, and every task that failed, as planned."""
    results = tuple(
        TaskAnswer(task=task.id, instruction=task.instruction, draft=draft)
        for task in plan.tasks
        if (draft := performed[task.id].draft) is not None
    )
    failed = tuple(
        FailedTask(task=task.id, instruction=task.instruction, reason=performed[task.id].report.reason)
        for task in plan.tasks
        if performed[task.id].failed
    )
    return results, failed
