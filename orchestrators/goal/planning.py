"""The plan of a run: made, approved if people want to, worked on, and replaced when it did not do."""

from collections.abc import Mapping

from murmuration.contracts.content import Content
from murmuration.contracts.plans import Plan, PlanBrief, Task
from murmuration.contracts.steps import PLAN_GOAL
from murmuration.durable.graph import run_graph
from murmuration.policy.plan_text import plan_text
from orchestrators.approval.ask_people import ask_people, refused
from orchestrators.goal.errors import RunFailed
from orchestrators.goal.perform_task import perform_task
from orchestrators.goal.run import Run
from orchestrators.goal.task_result import TaskResult

PLANS_ASKED_FOR = 3
"""The first, and two more with the reason why the one before could not be used."""


async def first_plan(run: Run) -> Plan:
    """The caller's own, or the planner's; approved. Raises `RunFailed`."""
    return await _approved(run, run.goal.plan or (await _plan(run)))


def why_another(plan: Plan, performed: Mapping[str, TaskResult]) -> str:
    """Tell the planner which tasks failed for good; empty when none did."""
    results = [performed[task.id] for task in plan.tasks]
    return "; ".join(
        f"task {result.task.id} failed: {result.report.reason}" for result in results if result.wants_another_plan
    )


async def another_plan(run: Run, plan: Plan, performed: Mapping[str, TaskResult], reason: str) -> Plan | None:
    """None when there is no other one. A person who rejects it ends the run."""
    run.replans += 1
    done = tuple(task for task in plan.tasks if not performed[task.id].empty)
    try:
        replaced = await _plan(run, rejected=reason, done=done)
    except RunFailed:
        return None
    return None if replaced == plan else (await _approved(run, replaced))


async def _plan(run: Run, rejected: str | None = None, done: tuple[Task, ...] = ()) -> Plan:
    run.set_stage("planning")
    brief = PlanBrief(goal=run.goal.text, session=run.goal.session, notes=run.notes, rejected=rejected, done=done)
    for _ in range(PLANS_ASKED_FOR):
        planned = await run.step(PLAN_GOAL, brief)
        if planned.plan is not None:
            return planned.plan
        brief = brief.model_copy(update={"rejected": planned.rejected})
    raise RunFailed(planned.code or "unusable_plan", f"no usable plan in {PLANS_ASKED_FOR}: {planned.rejected}")


async def _approved(run: Run, plan: Plan) -> Plan:
    """The plan, or what becomes of it by the wishes of those who approve it."""
    if not run.needs_approval_of("plan"):
        return plan
    for _ in range(run.goal.options.revision_limit + 1):
        decision = await ask_people(run, "Plan", Content(text=plan_text(run.goal.text, plan)))
        if decision.state == "approved":
            return plan
        if decision.state == "rejected":
            raise refused("plan_rejected", "the plan was rejected", decision)
        plan = await _plan(run, rejected=f"whoever approves the plan wants: {decision.comment}")
    raise refused("plan_not_approved", "no plan was approved within the revision limit", decision)


async def work(run: Run, plan: Plan, before: Mapping[str, TaskResult]) -> dict[str, TaskResult]:
    """Perform the tasks. Results of an earlier plan for the same tasks, from the same inputs, are kept."""
    run.set_stage("working")
    run.start_tasks(plan.tasks)
    tasks = {task.id: task for task in plan.tasks}
    kept = _kept(tasks, before)
    for result in kept.values():
        run.set_report(result.report)

    async def perform(name: str, earlier: Mapping[str, TaskResult]) -> TaskResult:
        return await perform_task(run, tasks[name], earlier)

    return await run_graph({task.id: task.depends_on for task in plan.tasks}, perform, kept)


def _kept(tasks: Mapping[str, Task], before: Mapping[str, TaskResult]) -> dict[str, TaskResult]:
    kept = {name: result for name, result in before.items() if not result.empty and tasks.get(name) == result.task}
    while changed := [name for name in kept if not kept.keys() >= set(tasks[name].depends_on)]:
        for name in changed:
            del kept[name]
    return kept
