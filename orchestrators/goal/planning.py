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
    """Tell the planner which tasks failed for good; empty when none did, or other branches of the plan took over."""
    taken_over = {
        task.when.task
        for task in plan.tasks
        if task.when is not None and task.when.field == "state" and not performed[task.id].empty
    }
    results = [performed[task.id] for task in plan.tasks if task.id not in taken_over]
    return "; ".join(
        f"task {result.task.id} failed: {result.report.reason}" for result in results if result.wants_another_plan
    )


async def another_plan(run: Run, plan: Plan, performed: Mapping[str, TaskResult], reason: str) -> Plan | None:
    """None when there is no other one. A person who rejects it ends the run."""
    run.replans += 1
    done = tuple(task for task in plan.tasks if not performed[task.id].empty)
    try:
        replaced = await _plan(run, plan, reason, done)
    except RunFailed:
        return None
    return None if replaced == plan else (await _approved(run, replaced, reason, done))


async def _plan(run: Run, previous: Plan | None = None, reason: str = "", done: tuple[Task, ...] = ()) -> Plan:
    """Ask the planner. Every question holds all wishes, the plan before, and why it is to be replaced."""
    run.set_stage("planning")
    reasons = [reason] if reason else []
    for _ in range(PLANS_ASKED_FOR):
        brief = PlanBrief(
            goal=run.goal.text,
            session=run.goal.session,
            notes=run.notes,
            rejected="; ".join(reasons) or None,
            previous=previous,
            wishes=run.wishes,
            done=done,
        )
        planned = await run.step(PLAN_GOAL, brief)
        if planned.plan is not None:
            return planned.plan
        reasons = [*([reason] if reason else []), planned.rejected or ""]
    raise RunFailed(planned.code or "unusable_plan", f"no usable plan in {PLANS_ASKED_FOR}: {planned.rejected}")


async def _approved(run: Run, plan: Plan, reason: str = "", done: tuple[Task, ...] = ()) -> Plan:
    """The plan, or what becomes of it by the wishes of those who approve it. The caller's own is never replaced."""
    if not run.needs_approval_of("plan"):
        return plan
    for revisions_left in reversed(range(run.goal.options.revision_limit + 1)):
        text = Content(text=plan_text(run.goal.text, plan))
        decision = await ask_people(run, "Plan", text, may_revise=revisions_left > 0)
        if decision.state == "approved":
            return plan
        if decision.state == "rejected" or not revisions_left:
            break
        if plan is run.goal.plan:
            raise refused("plan_changes_wanted", "changes of the caller's plan are wanted", decision)
        wish = f"the approvers want changes: {decision.comment}"
        plan = await _plan(run, plan, "; ".join(filter(None, (reason, wish))), done)
    raise refused("plan_rejected", "the plan was rejected", decision)


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
