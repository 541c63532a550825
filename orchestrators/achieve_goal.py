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
from contracts.plans import Plan, PlanBrief, Task
from contracts.steps import PLAN_GOAL, WRITE_ANSWER
from orchestrators.flow import Context, StepFailed, Strand, conduct
from orchestrators.graph import Group, run_graph
from orchestrators.memory import keep_turn, recall, remember
from orchestrators.perform_task import TaskEndsRun, begin_task
from orchestrators.performed import Performed
from orchestrators.revise import Standard, revise_until_good
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
        yield from _answer_by_plans(run)
        _accept(run)
        yield from remember(run)
        yield from keep_turn(run)
    except Unachievable as end:
        return run.outcome(Problem(code=end.code, message=str(end)))
    except TaskEndsRun as end:
        return run.outcome(Problem(code="task_failed", message=str(end)))
    except BudgetExceeded as end:
        return run.outcome(Problem(code="budget_exceeded", message=str(end)))
    except StepFailed as end:
        return run.outcome(Problem(code=end.code, message=end.message))
    return run.outcome()


def _accept(run: Run) -> None:
    """Raises `Unachievable` when the best answer there is did not pass and is not to be taken for that."""
    if run.goal.options.on_exhausted == "fail" and run.verdict is not None and not run.verdict.passed:
        reasons = "; ".join(run.verdict.reasons)
        raise Unachievable("revision_exhausted", f"no answer passed after {run.revisions} revisions: {reasons}")


def _answer_by_plans(run: Run) -> Strand[None]:
    """Plan, work, answer; and again with another plan when this one did not do, keeping what is done."""
    plan = run.goal.plan or (yield from _plan(run))
    performed = yield from _work(run, plan, {})
    while (reason := _why_another_plan(plan, performed)) and run.may_plan_again:
        replaced = yield from _another_plan(run, plan, performed, reason)
        if replaced is None:
            break
        plan = replaced
        performed = yield from _work(run, plan, performed)
    yield from _answer(run, plan, performed)
    if run.verdict is not None and run.verdict.plan_wrong and not run.verdict.passed and run.may_plan_again:
        before = (run.answer, run.verdict)
        reason = "; ".join(("the answer that came of it misses the goal", *run.verdict.reasons))
        replaced = yield from _another_plan(run, plan, performed, reason)
        if replaced is not None:
            yield from _answer(run, replaced, (yield from _work(run, replaced, performed)))
            if run.verdict is not None and run.verdict.score < before[1].score:
                run.answer, run.verdict = before


def _why_another_plan(plan: Plan, performed: Mapping[str, Performed]) -> str:
    """What failed for good, for the planner; empty when nothing did."""
    failed = [performed[task.id] for task in plan.tasks]
    return "; ".join(f"task {each.task.id} failed: {each.report.reason}" for each in failed if each.wants_another_plan)


def _another_plan(run: Run, plan: Plan, performed: Mapping[str, Performed], reason: str) -> Strand[Plan | None]:
    """None when there is no other one."""
    run.replans += 1
    done = tuple(task for task in plan.tasks if not performed[task.id].empty)
    try:
        replaced = yield from _plan(run, rejected=reason, done=done)
    except Unachievable:
        return None
    return None if replaced == plan else replaced


def _plan(run: Run, rejected: str | None = None, done: tuple[Task, ...] = ()) -> Strand[Plan]:
    run.enter("planning")
    brief = PlanBrief(goal=run.goal.text, session=run.goal.session, notes=run.notes, rejected=rejected, done=done)
    for _ in range(PLANS_ASKED_FOR):
        planned = yield from run.step(PLAN_GOAL, brief)
        if planned.plan is not None:
            return planned.plan
        brief = brief.model_copy(update={"rejected": planned.rejected})
    raise Unachievable(planned.code or "unusable_plan", f"no usable plan in {PLANS_ASKED_FOR}: {planned.rejected}")


def _work(run: Run, plan: Plan, before: Mapping[str, Performed]) -> Strand[dict[str, Performed]]:
    """Perform the tasks. What an earlier plan has done of them, word for word, is not done again."""
    run.enter("working")
    run.expect(plan.tasks)
    tasks = {task.id: task for task in plan.tasks}
    done = {name: each for name, each in before.items() if not each.empty and tasks.get(name) == each.task}
    for name, each in done.items():
        run.tasks[name] = each.report

    def begin(name: str, earlier: Mapping[str, Performed]) -> Strand[Performed] | Group[Performed]:
        return begin_task(run, tasks[name], earlier)

    inputs = {task.id: task.depends_on for task in plan.tasks}
    return (yield from run_graph(list(tasks), inputs, begin, run.goal.options.concurrency, done))


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

    judged = yield from revise_until_good(run, Standard(run.goal.text, rules=run.goal.options.rules), write)
    run.answer, run.verdict = judged.draft, judged.verdict


def _sorted_out(
    plan: Plan, performed: Mapping[str, Performed]
) -> tuple[tuple[TaskAnswer, ...], tuple[FailedTask, ...]]:
    """What the writer works from: every task that has an answer, and every task that failed, as planned."""
    results = tuple(answer for task in plan.tasks for answer in performed[task.id].answers)
    failed = tuple(
        FailedTask(task=task.id, instruction=task.instruction, reason=performed[task.id].report.reason)
        for task in plan.tasks
        if performed[task.id].empty and (performed[task.id].failed or _lacks_input(performed, task))
    )
    return results, failed


def _lacks_input(performed: Mapping[str, Performed], task: Task) -> bool:
    """Whether it was skipped because what it needs failed; what a condition has left out is not missing."""
    return any(performed[name].failed or _lacks_input(performed, performed[name].task) for name in task.depends_on)
