"""The properties of a simulated goal whose plan has branches, lists and wishes of people: a checker for each."""

from collections.abc import Iterator, Mapping
from typing import Any

from murmuration.contracts.answers import Outcome
from murmuration.contracts.plans import MAX_ITEMS, Plan, Planned, Task
from murmuration.policy.conditions import END_STATES
from simulation.ended_goal import EndedGoal
from simulation.records import EPOCH, ScheduledStep

ROUNDING = 0.001
"""Seconds by which a timestamp may differ from the virtual host's clock."""


def wishes_hold(ended: EndedGoal) -> Iterator[str]:
    """28: every wish of people is in each later brief, and people are asked again about what it made."""
    wished = [gate.decision for gate in ended.gates if gate.decision.state == "revise"]
    for step in ended.steps:
        if not _is_about_the_whole(step, ended.goal.text):
            continue
        due = [wish.comment for wish in wished if (wish.at - EPOCH).total_seconds() - ROUNDING < step.scheduled]
        if step.message["value"]["wishes"] != due:
            yield f"{step.name} knows {step.message['value']['wishes']}, people have asked for {due}"
    outcome = ended.outcome
    if outcome is None or not ended.gates or ended.gates[-1].decision.state != "revise":
        return
    if outcome.error is None or outcome.error.code.endswith("_rejected"):
        yield f"{ended.gates[-1].gate.id} asked for a revision, and nobody was asked about it"


def _is_about_the_whole(step: ScheduledStep, goal: str) -> bool:
    judged = step.name == "evaluate_result" and step.message["value"]["instruction"] == goal
    return judged or step.name in ("plan_goal", "write_answer")


def lost_is_missing(ended: EndedGoal) -> Iterator[str]:
    """29: everything that was lost stands in `missing`, and the writer and the judge have known it."""
    outcome = ended.outcome
    written = [step for step in ended.steps if step.name == "write_answer" and _wrote(step, outcome)]
    if outcome is None or outcome.status != "completed" or not written:
        return
    brief = written[-1].message["value"]
    plan = _plan_before(ended, written[-1].scheduled)
    lost = [*_lost_items(plan, brief), *(_lost_tasks(plan, outcome) if _is_last(plan, outcome) else ())]
    told = [task["instruction"] for task in brief["failed"]]
    for text in lost:
        if text not in outcome.missing:
            yield f"{text!r} was lost, missing are {outcome.missing}"
        if text not in told:
            yield f"{text!r} was lost, the writer was told of {told}"
    judged = [step.message["value"] for step in ended.steps if step.name == "evaluate_result"]
    if any(value["failed"] != brief["failed"] for value in judged if _judges(value, outcome, ended.goal.text)):
        yield f"the judge was not told of {told}"


def _wrote(step: ScheduledStep, outcome: Outcome | None) -> bool:
    """Whether the step has written the answer of the outcome."""
    if outcome is None or not isinstance(step.result, dict) or step.result.get("outcome") != "done":
        return False
    return _is_answer(step.result["value"], outcome)


def _is_answer(draft: Any, outcome: Outcome) -> bool:
    reference = draft["answer"]["reference"]
    if reference is not None:
        return bool(reference["artifact"] == outcome.answer_artifact)
    return bool(draft["answer"]["text"] == outcome.answer)


def _judges(value: Any, outcome: Outcome, goal: str) -> bool:
    return value["instruction"] == goal and _is_answer(value["draft"], outcome)


def _plan_before(ended: EndedGoal, seconds: float) -> Plan:
    """The plan that the run worked on at that time."""
    plan = ended.goal.plan
    for step in ended.steps:
        done = step.name == "plan_goal" and isinstance(step.result, dict) and step.result.get("outcome") == "done"
        if done and step.delivered is not None and step.delivered <= seconds:
            plan = Planned.model_validate(step.result["value"]).plan or plan
    assert plan is not None  # noqa: S101 - nothing is written without a plan
    return plan


def _is_last(plan: Plan, outcome: Outcome) -> bool:
    """Whether the outcome reports the tasks of this plan."""
    return [(task.id, task.instruction) for task in plan.tasks] == [
        (task.id, task.instruction) for task in outcome.tasks
    ]


def _lost_items(plan: Plan, brief: Any) -> Iterator[str]:
    """The items of lists that have no answer among those that the writer got, and those that were cut."""
    drafts = {result["task"]: result["draft"] for result in brief["results"]}
    for task in plan.tasks:
        if task.for_each is None or not any(_part_of(name, task.id) for name in drafts):
            continue
        listed = [draft for name, draft in drafts.items() if _part_of(name, task.for_each)]
        items = [item for draft in listed for item in draft["items"]]
        for number, item in enumerate(items, start=1):
            if f"{task.id}[{number}]" not in drafts:
                yield task.instruction.replace("${item}", item) if number <= MAX_ITEMS else item
        yield from (lost["item"] for draft in listed for lost in draft["lost_items"])


def _part_of(name: str, task: str) -> bool:
    """Whether the name is that of a task, or of one of its items."""
    return name.partition("[")[0] == task


def _lost_tasks(plan: Plan, outcome: Outcome) -> Iterator[str]:
    for task, report in zip(plan.tasks, outcome.tasks, strict=True):
        needs_failed = report.state == "skipped" and report.reason.endswith("which failed")
        if needs_failed or (report.state == "failed" and task.for_each is None):
            yield task.instruction


def branches_are_reachable(ended: EndedGoal) -> Iterator[str]:
    """30: a branch on the state of a task runs when the task has ended so, and only then."""
    outcome = ended.outcome
    if outcome is None or any(task.state not in END_STATES for task in outcome.tasks):
        return  # it ended before its tasks did
    plan = next((plan for plan in reversed(ended.plans) if _is_last(plan, outcome)), None)
    states = {task.id: task.state for task in outcome.tasks}
    for task in plan.tasks if plan is not None else ():
        if task.when is None or task.when.field != "state" or task.for_each is not None:
            continue
        runs = states[task.id] != "skipped"
        if runs != _should_run(task, states):
            yield f"{task.id} is {states[task.id]}, {task.when.task} is {states[task.when.task]}: {task.when}"


def _should_run(task: Task, states: Mapping[str, str]) -> bool:
    assert task.when is not None  # noqa: S101 - the caller has checked it
    inputs = [states[name] for name in task.depends_on if name != task.when.task]
    holds = (states[task.when.task] == task.when.value) == (task.when.op == "eq")
    return holds and (not inputs or "done" in inputs)
