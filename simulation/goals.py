"""Random goals: each with its own plan or without, with its limits, and with the people who have to approve it."""

import random
from typing import Any

from murmuration.contracts.goals import Approval, Budget, Goal, OnExhausted, Options
from murmuration.contracts.owner import Owner
from murmuration.contracts.plans import Plan
from murmuration.contracts.replies import PlanReply
from murmuration.contracts.runs import Caller
from murmuration.policy.plan_rules import AgentTypes, PlanRejected, checked_plan

AGENTS: AgentTypes = {"executor": "executor", "expert": "executor"}
PEOPLE = tuple(f"{name}@example.com" for name in ("ann", "bob", "cem", "dora"))
REQUESTER = PEOPLE[0]
MAX_TASKS = 3


def random_goal(draw: random.Random) -> Goal:
    approval = random_approval(draw) if draw.random() < 0.35 else None
    exhausted: tuple[OnExhausted, ...] = ("accept_best", "accept_best", "fail")
    if approval is not None:
        exhausted = (*exhausted, "ask_person")
    options = Options(
        concurrency=draw.randint(1, 4),
        revision_limit=draw.choice((0, 0, 1, 2)),
        replan_limit=draw.randint(0, 1),
        on_exhausted=draw.choice(exhausted),
        approval=approval,
        remember=draw.random() < 0.5,
        budget=random_budget(draw),
    )
    return Goal(
        caller=Caller(tenant="t"),
        owner=Owner(tenant="t"),
        session="s" if draw.random() < 0.2 else "",
        text="what is asked for",
        requester=REQUESTER,
        plan=usable_plan(draw) if draw.random() < 0.6 else None,
        options=options,
    )


def random_budget(draw: random.Random) -> Budget:
    if draw.random() < 0.8:
        return Budget()
    return Budget(
        tokens=draw.choice((1_000, 3_000, 500_000)),
        model_calls=draw.choice((3, 8, 500)),
        seconds=draw.choice((60, 600, 3_600)),
    )


def random_approval(draw: random.Random) -> Approval:
    panels = []
    for _ in range(draw.randint(1, 2)):
        approvers = draw.sample(PEOPLE, draw.randint(1, 3))
        panels.append({"approvers": approvers, "quorum": draw.randint(1, len(approvers))})
    return Approval.model_validate(
        {
            "of": draw.choice(((), ("plan",), ("answer",), ("answer",), ("plan", "answer"))),
            "panels": panels,
            "timeout_seconds": draw.choice((600, 86_400, 864_000)),
            "remind_after": draw.choice((0.5, 1.0)),
            "on_expiry": draw.choice(("reject", "approve", "escalate")),
            "bar_requester": draw.random() < 0.7,
        }
    )


def usable_plan(draw: random.Random) -> Plan:
    while True:
        try:
            return checked_plan(random_plan(draw, spoilt=False), AGENTS)
        except PlanRejected:
            continue


def random_plan(draw: random.Random, *, spoilt: bool) -> PlanReply:
    """A plan as a planner writes it. A `spoilt` one breaks a rule: a task waits for itself, or for an unknown task."""
    tasks: list[dict[str, Any]] = []
    for number in range(1, draw.randint(1, MAX_TASKS) + 1):
        tasks.append(_task(draw, f"t{number}", tasks))
    if all(task["type"] != "executor" for task in tasks):
        tasks.append({"id": "last", "type": "executor", "instruction": "last answers", "depends_on": ["t1"]})
    if spoilt:
        task = draw.choice(tasks)
        task["depends_on"] = [*task.get("depends_on", ()), draw.choice((task["id"], "nowhere"))]
    return PlanReply.model_validate({"tasks": tasks})


def _task(draw: random.Random, name: str, before: list[dict[str, Any]]) -> dict[str, Any]:
    """A random task. An instruction that ends with `lists` has the world answer with items."""
    needs = draw.sample([earlier["id"] for earlier in before], min(len(before), draw.choice((0, 1, 1, 2))))
    if draw.random() < 0.3:
        return {"id": name, "type": "retriever", "instruction": f"{name} finds", "depends_on": needs}
    task: dict[str, Any] = {"id": name, "type": "executor", "instruction": f"{name} answers", "depends_on": needs}
    lists = [earlier["id"] for earlier in before if earlier["instruction"].endswith("lists")]
    answering = [earlier["id"] for earlier in before if earlier["type"] == "executor"]
    kind = draw.random()
    if lists and kind < 0.45:
        task |= {"instruction": f"{name} answers ${{item}}", "for_each": draw.choice(lists)}
    elif kind < 0.35:
        task["instruction"] = f"{name} lists"
    elif answering and kind < 0.55:
        task["when"] = {"task": draw.choice(answering), "field": "passed", "op": "eq", "value": draw.random() < 0.7}
    elif before and kind < 0.9:
        tested, state = draw.choice(before)["id"], draw.choice(("done", "failed", "failed", "skipped"))
        task["when"] = {"task": tested, "field": "state", "op": draw.choice(("eq", "ne")), "value": state}
    if draw.random() < 0.15:
        task["timeout_seconds"] = draw.choice((20, 120))
    policy = draw.random()
    if policy < 0.1:
        task["on_failure"] = "fail_run"
    elif policy < 0.25:
        fallback = draw.choice(({"agent": "expert"}, {"answer": "a fixed answer"}))
        task |= {"on_failure": "fallback", "fallback": fallback}
    return task
