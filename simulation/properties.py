"""The properties of a simulated goal that has ended: a checker for each, by its number.

The host watches properties 1 to 3 while it runs, too (`virtual_host.Violation`). A checker yields what it found, in
words. docs/benchmarks.md says where the properties are tested that the simulation can't see.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter

from murmuration.contracts.memories import RememberRequest
from murmuration.contracts.steps import STEPS
from murmuration.policy.plan_rules import MAX_TASKS
from simulation.approval_properties import (
    approvers_may_approve,
    decisions_stand,
    only_the_approved_goes_out,
    votes_are_genuine,
)
from simulation.control_properties import branches_are_reachable, lost_is_missing, wishes_hold
from simulation.ended_goal import RUN, EndedGoal
from simulation.records import ScheduledStep
from simulation.world import World

MAX_EVENT_CHARACTERS = 24 * 1024
MAX_HISTORY_CHARACTERS = 1024 * 1024
MAX_STEP_TOKENS = 400
ROWS = {step.name: step for step in STEPS}


def results_are_recorded(ended: EndedGoal) -> Iterator[str]:
    """1: the history holds every result that was delivered, however often the host died."""
    for instance in ended.host.instances.values():
        delivered = sum(step.delivered is not None for step in ended.host.steps if step.instance == instance.id)
        recorded = instance.results + sum("TaskScheduledId" in event for event in instance.inbox)
        if recorded != delivered:
            yield f"{instance.name}: {delivered} results were delivered, {recorded} are recorded"


def effects_are_single(ended: EndedGoal) -> Iterator[str]:
    """5: a step leaves the same, however often it was performed."""
    remembered = [step for step in ended.steps if step.name == "remember_result" and step.performed]
    rows: dict[str, str] = {}
    for step in remembered:
        rows |= World.rows_of(RememberRequest.model_validate(step.message["value"]))
    if sorted(rows.values()) != sorted(ended.world.rows.values()):
        yield f"{len(ended.world.rows)} memories instead of {len(rows)}"
    for (gate, panel, approver, kind, _), links in ended.world.messages.items():
        if len(links) != 1:
            yield f"{len(links)} different links for {approver}, {kind}, panel {panel} of {gate}"


def attempts_are_counted(ended: EndedGoal) -> Iterator[str]:
    """8: no attempt beyond those of the row, none after an end for good, none before the time that a 429 asked for."""
    calls: dict[str, list[ScheduledStep]] = defaultdict(list)
    for step in ended.host.steps:
        calls[f"{step.instance} {step.name} {json.dumps(step.message['value'])}"].append(step)
    for steps in calls.values():
        for step, after in zip(steps, [*steps[1:], None], strict=True):
            attempt = step.message["attempt"]
            if attempt > ROWS[step.name].attempts:
                yield f"{step.name}: attempt {attempt}, its row has {ROWS[step.name].attempts}"
            if after is not None and after.message["attempt"] != 1:
                yield from _hasty(step, after)


def _hasty(step: ScheduledStep, after: ScheduledStep) -> Iterator[str]:
    """Report that `after` should not have been tried after `step`, or not yet."""
    result = step.result if isinstance(step.result, dict) else {}
    if result.get("outcome") in ("done", "failed"):
        yield f"{step.name}: attempt {step.message['attempt'] + 1} after it was {result['outcome']}"
    pause = float(result.get("seconds") or 0)
    if step.delivered is not None and after.scheduled < step.delivered + pause - 0.001:
        yield f"{step.name}: again {after.scheduled - step.delivered} s after a 429 that asked for {pause}"


def failures_lose_nothing(ended: EndedGoal) -> Iterator[str]:
    """9: the writer gets every answer there is, and a task whose failure is to end the run has ended it."""
    outcome = ended.outcome
    briefs = [step.message["value"] for step in ended.steps if step.name == "write_answer"]
    if outcome is None or outcome.status != "completed":
        return
    done = {task.id for task in outcome.tasks if task.type == "executor" and task.state == "done"}
    written = {result["task"].partition("[")[0] for result in briefs[-1]["results"]}
    if written != done:
        yield f"done are {sorted(done)}, the writer got {sorted(written)}"
    if ended.goal.plan is None:
        return
    policies = {task.id: task.on_failure for plan in ended.plans for task in plan.tasks}
    failed = [task.id for task in outcome.tasks if task.state == "failed" and policies[task.id] == "fail_run"]
    if failed:
        yield f"{failed} failed, and the run was to end then"


def concurrency_is_kept(ended: EndedGoal) -> Iterator[str]:
    """10: no more tasks run at once than allowed.

    A task that ran out of time may still have a step under way, so plans with timeouts are left out.
    """
    if any(task.timeout_seconds for plan in ended.plans for task in plan.tasks):
        return
    working = [step for step in ended.steps if step.name in ("retrieve_passages", "ask_agent")]
    changes = sorted(
        change
        for step in working
        for change in ((step.scheduled, 1), (step.delivered if step.delivered is not None else step.scheduled, -1))
    )
    under_way = peak = 0
    for _, change in changes:
        under_way += change
        peak = max(peak, under_way)
    if peak > ended.goal.options.concurrency:
        yield f"{peak} tasks at once, {ended.goal.options.concurrency} are allowed"


def plans_keep_the_rules(ended: EndedGoal) -> Iterator[str]:
    """11: no plan that breaks a rule is executed."""
    for plan in ended.world.plans:
        names = {task.id for task in plan.tasks}
        unknown = sorted({need for task in plan.tasks for need in task.depends_on} - names)
        if unknown or not 1 <= len(plan.tasks) <= MAX_TASKS:
            yield f"a plan of {len(plan.tasks)} tasks needs {unknown}, which are none"
            continue
        try:
            TopologicalSorter({task.id: task.depends_on for task in plan.tasks}).prepare()
        except CycleError as cycle:
            yield f"a plan goes in a circle: {cycle.args[1]}"


def budget_is_kept(ended: EndedGoal) -> Iterator[str]:
    """12: a run that has used its budget begins no further step."""
    budget, outcome, run = ended.goal.options.budget, ended.outcome, ended.host.instances[RUN]
    spent = (
        episode
        for episode, status in enumerate(run.statuses, start=1)
        if status and (status["tokens"] >= budget.tokens or status["model_calls"] >= budget.model_calls)
    )
    first = next(spent, None)
    late = [step for step in ended.steps if first is not None and step.episode > first and step.message["attempt"] == 1]
    if late:
        yield f"{late[0].name} began in episode {late[0].episode}, the budget was used up in {first}"
    most = budget.tokens + MAX_STEP_TOKENS * ended.goal.options.concurrency
    if outcome is not None and outcome.usage.tokens > most:
        yield f"{outcome.usage.tokens} tokens, {budget.tokens} are allowed"


def everything_ends(ended: EndedGoal) -> Iterator[str]:
    """13: every instance ends with an output, and not with an exception."""
    for instance in ended.host.instances.values():
        if not instance.ended or instance.error is not None:
            yield f"{instance.name}: {instance.error or 'has not ended, and nothing is under way'}"


def histories_are_small(ended: EndedGoal) -> Iterator[str]:
    """14: large texts travel as references."""
    for instance in ended.host.instances.values():
        sizes = [len(event.get(part) or "") for event in instance.history for part in ("Input", "Result")]
        if max(sizes) > MAX_EVENT_CHARACTERS:
            yield f"{instance.name}: an event of {max(sizes)} characters"
        if sum(sizes) > MAX_HISTORY_CHARACTERS:
            yield f"{instance.name}: a history of {sum(sizes)} characters"


CHECKS: Mapping[int, Callable[[EndedGoal], Iterator[str]]] = {
    1: results_are_recorded,
    5: effects_are_single,
    6: decisions_stand,
    8: attempts_are_counted,
    9: failures_lose_nothing,
    10: concurrency_is_kept,
    11: plans_keep_the_rules,
    12: budget_is_kept,
    13: everything_ends,
    14: histories_are_small,
    25: only_the_approved_goes_out,
    26: votes_are_genuine,
    27: approvers_may_approve,
    28: wishes_hold,
    29: lost_is_missing,
    30: branches_are_reachable,
}


def check_properties(ended: EndedGoal) -> Iterator[tuple[int, str]]:
    """Yield the number of each broken property, and what was seen."""
    for number, check in CHECKS.items():
        for what in check(ended):
            yield number, what
