"""The plan of a run: made, approved if people want to, worked on, and replaced when it did not do."""

from collections.abc import Mapping

from murmuration.contracts.content import Content
from murmuration.contracts.plans import Plan, PlanBrief, Task
from murmuration.contracts.steps import PLAN_GOAL
from murmuration.durable.flow import Strand
from murmuration.durable.graph import Group, run_graph
from murmuration.policy.plan_text import plan_text
from orchestrators.approval.ask_people import approval, refused
from orchestrators.goal.errors import RunFailed
from orchestrators.goal.perform_task import begin_task
from orchestrators.goal.run import Run
from orchestrators.goal.task_result import TaskResult

PLANS_ASKED_FOR = 3
"""The first, and two more with the reason why the one before could not be used."""


def first_plan(run: Run) -> Strand[Plan]:
    """The caller's own, or the planner's; approved. Raises `RunFailed`."""
    return (yield from _approved(run, run.goal.plan or (yield from _plan(run))))


def why_another(plan: Plan, performed: Mapping[str, TaskResult]) -> str:
    """Tell the planner which tasks failed for good; empty when none did."""
    results = [performed[task.id] for task in plan.tasks]
    return "; ".join(
        f"task {result.task.id} failed: {result.report.reason}" for result in results if result.wants_another_plan
    )


def another_plan(run: Run, plan: Plan, performed: Mapping[str, TaskResult], reason: str) -> Strand[Plan | None]:
    """None when there is no other one. A person who rejects it ends the run."""
    run.replans += 1
    done = tuple(task for task in plan.tasks if not performed[task.id].empty)
    try:
        replaced = yield from _plan(run, rejected=reason, done=done)
    except RunFailed:
        return None
    return None if replaced == plan else (yield from _approved(run, replaced))


def _plan(run: Run, rejected: str | None = None, done: tuple[Task, ...] = ()) -> Strand[Plan]:
    run.set_stage("planning")
    brief = PlanBrief(goal=run.goal.text, session=run.goal.session, notes=run.notes, rejected=rejected, done=done)
    for _ in range(PLANS_ASKED_FOR):
        planned = yield from run.step(PLAN_GOAL, brief)
        if planned.plan is not None:
            return planned.plan
        brief = brief.model_copy(update={"rejected": planned.rejected})
    raise RunFailed(planned.code or "unusable_plan", f"no usable plan in {PLANS_ASKED_FOR}: {planned.rejected}")


def _approved(run: Run, plan: Plan) -> Strand[Plan]:
    """The plan, or what becomes of it by the wishes of those who approve it."""
    if not run.needs_approval_of("plan"):
        return plan
    for _ in range(run.goal.options.revision_limit + 1):
        decision = yield from approval(run, "Plan", Content(text=plan_text(run.goal.text, plan)))
        if decision.state == "approved":
            return plan
        if decision.state == "rejected":
            raise refused("plan_rejected", "the plan was rejected", decision)
        plan = yield from _plan(run, rejected=f"whoever approves the plan wants: {decision.comment}")
    raise refused("plan_not_approved", "no plan was approved within the revision limit", decision)


def work(run: Run, plan: Plan, before: Mapping[str, TaskResult]) -> Strand[dict[str, TaskResult]]:
    """Perform the tasks. What an earlier plan has done of them, from the same inputs, is not done again."""
    run.set_stage("working")
    run.start_tasks(plan.tasks)
    tasks = {task.id: task for task in plan.tasks}
    done = _kept(tasks, before)
    for result in done.values():
        run.set_report(result.report)

    def begin(name: str, earlier: Mapping[str, TaskResult]) -> Strand[TaskResult] | Group[TaskResult]:
        return begin_task(run, tasks[name], earlier)

    inputs = {task.id: task.depends_on for task in plan.tasks}
    return (yield from run_graph(list(tasks), inputs, begin, run.goal.options.concurrency, done))


def _kept(tasks: Mapping[str, Task], before: Mapping[str, TaskResult]) -> dict[str, TaskResult]:
    kept = {name: result for name, result in before.items() if not result.empty and tasks.get(name) == result.task}
    while changed := [name for name in kept if not kept.keys() >= set(tasks[name].depends_on)]:
        for name in changed:
            del kept[name]
    return kept
