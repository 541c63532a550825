"""What must hold of a simulated goal when it has ended: a checker for each property, by its number.

Properties 1 to 3 are also watched by the host while it runs (`virtual_host.Broken`). A checker yields what it found,
in words. What the simulation can't see is tested elsewhere; docs/benchmarks.md says where.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from murmuration.contracts.answers import Outcome
from murmuration.contracts.content import Content
from murmuration.contracts.goals import Goal
from murmuration.contracts.memories import RememberRequest
from murmuration.contracts.steps import STEPS
from murmuration.policy.gates import hash_of
from murmuration.policy.plan_rules import MAX_TASKS
from simulation.faults import Step
from simulation.gates import Judged, gates_of
from simulation.goals import REQUESTER
from simulation.people import People
from simulation.virtual_host import VirtualHost
from simulation.world import World

RUN = "t-run"
LARGEST_EVENT = 24 * 1024
LARGEST_HISTORY = 1024 * 1024
ROWS = {step.name: step for step in STEPS}
MODEL_STEPS = ("plan_goal", "ask_agent", "evaluate_result", "write_answer", "extract_lessons")
LARGEST_STEP_TOKENS = 400


@dataclass
class Seen:
    """A simulated goal at its end. `goal` is what was declared, whatever the run was given."""

    goal: Goal
    host: VirtualHost
    people: People

    @property
    def world(self) -> World:
        return self.people.world

    @property
    def outcome(self) -> Outcome | None:
        """None when the run has none, which breaks property 13."""
        output = self.host.instances[RUN].output
        return Outcome.model_validate(output) if output else None

    @property
    def steps(self) -> list[Step]:
        """Of the run itself."""
        return [step for step in self.host.steps if step.instance == RUN]

    @property
    def gates(self) -> list[Judged]:
        return gates_of(self.host, self.people)


def results_are_kept(seen: Seen) -> Iterator[str]:
    """1: what an activity returned is in the history, however often the host died."""
    for instance in seen.host.instances.values():
        delivered = sum(step.delivered is not None for step in seen.host.steps if step.instance == instance.id)
        recorded = seen.host.recorded(instance) + sum("TaskScheduledId" in each for each in instance.inbox)
        if recorded != delivered:
            yield f"{instance.name}: {delivered} results were delivered, {recorded} are recorded"


def effects_are_single(seen: Seen) -> Iterator[str]:
    """5: however often a step was performed, it leaves what performing it once leaves."""
    remembered = [step for step in seen.steps if step.name == "remember_result" and step.performed]
    rows: dict[str, str] = {}
    for step in remembered:
        rows |= World.rows_of(RememberRequest.model_validate(step.message["value"]))
    if sorted(rows.values()) != sorted(seen.world.rows.values()):
        yield f"{len(seen.world.rows)} memories instead of {len(rows)}"
    for (gate, panel, approver, kind, _), links in seen.world.messages.items():
        if len(links) != 1:
            yield f"{len(links)} different links for {approver}, {kind}, panel {panel} of {gate}"


def decisions_stand(seen: Seen) -> Iterator[str]:
    """6: a gate is decided once, by what its approvers said first, and nothing changes it."""
    for gate in seen.gates:
        yield from gate.changes()
        yield from gate.misjudged()


def attempts_are_counted(seen: Seen) -> Iterator[str]:
    """8: no more attempts than the row has, none after a failure for good, none before the time that was asked for."""
    calls: dict[str, list[Step]] = defaultdict(list)
    for step in seen.host.steps:
        calls[f"{step.instance} {step.name} {json.dumps(step.message['value'])}"].append(step)
    for each in (each for steps in calls.values() for each in zip(steps, [*steps[1:], None], strict=True)):
        step, after = each
        attempt = step.message["attempt"]
        if attempt > ROWS[step.name].attempts:
            yield f"{step.name}: attempt {attempt}, its row has {ROWS[step.name].attempts}"
        if after is None or after.message["attempt"] == 1:
            continue
        result = step.result if isinstance(step.result, dict) else {}
        if result.get("outcome") in ("done", "failed"):
            yield f"{step.name}: attempt {attempt + 1} after it was {result['outcome']}"
        asked = float(result.get("seconds") or 0)
        if step.delivered is not None and after.scheduled < step.delivered + asked - 0.001:
            yield f"{step.name}: again {after.scheduled - step.delivered} s after a 429 that asked for {asked}"


def failures_lose_nothing(seen: Seen) -> Iterator[str]:
    """9: the writer is given every answer there is, and a task whose failure ends the run has ended it."""
    outcome = seen.outcome
    briefs = [step.message["value"] for step in seen.steps if step.name == "write_answer"]
    if outcome is None or outcome.status != "completed":
        return
    plans = {task.id: task for plan in [*seen.world.plans, seen.goal.plan] if plan is not None for task in plan.tasks}
    done = {task.id for task in outcome.tasks if task.type == "executor" and task.state == "done"}
    given = {each["task"].partition("[")[0] for each in briefs[-1]["results"]}
    if given != done:
        yield f"done are {sorted(done)}, the writer was given {sorted(given)}"
    fatal = [
        task.id
        for task in outcome.tasks
        if task.state == "failed" and seen.goal.plan is not None and plans[task.id].on_failure == "fail_run"
    ]
    if fatal:
        yield f"{fatal} failed, and the run was to end then"


def concurrency_is_kept(seen: Seen) -> Iterator[str]:
    """10. A task that ran out of time may still have a step under way, so plans with timeouts are left out."""
    plans = [*seen.world.plans, *([seen.goal.plan] if seen.goal.plan else [])]
    if any(task.timeout_seconds for plan in plans for task in plan.tasks):
        return
    working = [step for step in seen.steps if step.name in ("retrieve_passages", "ask_agent")]
    changes = sorted(
        change
        for step in working
        for change in ((step.scheduled, 1), (step.delivered if step.delivered is not None else step.scheduled, -1))
    )
    under_way = most = 0
    for _, change in changes:
        under_way += change
        most = max(most, under_way)
    if most > seen.goal.options.concurrency:
        yield f"{most} tasks at once, {seen.goal.options.concurrency} are allowed"


def plans_keep_the_rules(seen: Seen) -> Iterator[str]:
    """11: no plan that breaks a rule is worked on."""
    for plan in seen.world.plans:
        names = {task.id for task in plan.tasks}
        unknown = sorted({need for task in plan.tasks for need in task.depends_on} - names)
        if unknown or not 1 <= len(plan.tasks) <= MAX_TASKS:
            yield f"a plan of {len(plan.tasks)} tasks needs {unknown}, which are none"
            continue
        try:
            TopologicalSorter({task.id: task.depends_on for task in plan.tasks}).prepare()
        except CycleError as cycle:
            yield f"a plan goes in a circle: {cycle.args[1]}"


def budget_is_kept(seen: Seen) -> Iterator[str]:
    """12: once the run has used what it may, it begins no further step, and says so."""
    budget, outcome, run = seen.goal.options.budget, seen.outcome, seen.host.instances[RUN]
    used = [status or {"tokens": 0, "model_calls": 0} for status in run.statuses]
    over = (
        number
        for number, each in enumerate(used, start=1)
        if each["tokens"] >= budget.tokens or each["model_calls"] >= budget.model_calls
    )
    first = next(over, None)
    begun = [step for step in seen.steps if first is not None and step.episode > first and step.message["attempt"] == 1]
    if begun:
        yield f"{begun[0].name} began in episode {begun[0].episode}, the budget was used up in {first}"
    most = budget.tokens + LARGEST_STEP_TOKENS * seen.goal.options.concurrency
    if outcome is not None and outcome.usage.tokens > most:
        yield f"{outcome.usage.tokens} tokens, {budget.tokens} are allowed"


def everything_ends(seen: Seen) -> Iterator[str]:
    """13: in an outcome, and not in an exception."""
    for instance in seen.host.instances.values():
        if not instance.ended or instance.error is not None:
            yield f"{instance.name}: {instance.error or 'has not ended, and nothing is under way'}"


def histories_are_small(seen: Seen) -> Iterator[str]:
    """14: what is large travels as a reference."""
    for instance in seen.host.instances.values():
        sizes = [len(event.get(part) or "") for event in instance.history for part in ("Input", "Result")]
        if max(sizes) > LARGEST_EVENT:
            yield f"{instance.name}: an event of {max(sizes)} characters"
        if sum(sizes) > LARGEST_HISTORY:
            yield f"{instance.name}: a history of {sum(sizes)} characters"


def only_the_approved_goes_out(seen: Seen) -> Iterator[str]:
    """25: an answer that needs approval is told and remembered when a gate about this very answer was approved."""
    outcome, options = seen.outcome, seen.goal.options
    if outcome is None or options.approval is None:
        return
    passed = outcome.verdict is not None and outcome.verdict.passed
    asked_when_exhausted = options.on_exhausted == "ask_person" and not passed and outcome.status == "completed"
    needed = "answer" in options.approval.of or asked_when_exhausted
    told = outcome.answer or outcome.answer_artifact
    if needed and outcome.status == "completed" and not told:
        yield "completed without an answer"
    if needed and (told or seen.world.rows or seen.world.turns):
        text = Content(text=outcome.answer) if outcome.answer else None
        asked = hash_of(text) if text else (outcome.answer_artifact or "").rpartition("/")[2]
        if not any(gate.approves(asked) for gate in seen.gates):
            yield f"an answer went out, and no gate has approved it: {outcome.status} {outcome.error}"
    for task in (step for step in seen.steps if step.name == "ask_agent"):
        if "plan" in options.approval.of and not any(gate.approved_by(task.scheduled) for gate in seen.gates):
            yield "a plan that needs approval was worked on without"


def votes_are_genuine(seen: Seen) -> Iterator[str]:
    """26: what decides is sealed by the app and bound to gate, panel, approver and content."""
    for gate in seen.gates:
        yield from gate.unfounded()


def approvers_may_approve(seen: Seen) -> Iterator[str]:
    """27: they are of the panel, and not the requester where that is barred."""
    for gate in seen.gates:
        yield from gate.unauthorised(REQUESTER)


CHECKS: Mapping[int, Callable[[Seen], Iterator[str]]] = {
    1: results_are_kept,
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
}


def violations(seen: Seen) -> Iterator[tuple[int, str]]:
    for number, check in CHECKS.items():
        for found in check(seen):
            yield number, found
