"""A plan that breaks a rule is refused before anything runs, with a reason the planner can act on."""

from typing import Any

import pytest

from contracts.replies import PlanReply
from policy.plan_rules import MAX_TASKS, PlanRejected, checked_plan

GOOD: list[dict[str, Any]] = [
    {"id": "t1", "type": "retriever", "instruction": "find", "depends_on": []},
    {"id": "t2", "type": "executor", "instruction": "answer", "depends_on": ["t1"]},
]


def plan(*changes: dict[str, Any]) -> PlanReply:
    """The good plan, with one change per task."""
    rows = [{**row, **change} for row, change in zip(GOOD, changes, strict=False)]
    return PlanReply.model_validate({"tasks": rows + GOOD[len(rows) :]})


def test_a_good_plan_keeps_its_order_and_drops_repeated_dependencies() -> None:
    checked = checked_plan(plan({}, {"depends_on": ["t1", "t1"]}))

    assert [(task.id, task.depends_on) for task in checked.tasks] == [("t1", ()), ("t2", ("t1",))]


@pytest.mark.parametrize(
    ("reply", "code", "reason"),
    [
        (PlanReply(tasks=[]), "unusable_plan", "this one has 0"),
        (plan({"id": "a b"}), "unusable_plan", "'a b'"),
        (plan({}, {"id": "t1"}), "unusable_plan", "'t1' is used twice"),
        (plan({"type": "wizard"}), "unsupported_task", "'wizard' is unknown"),
        (plan({"type": "tool"}), "unsupported_task", "'tool' is reserved"),
        (plan({"instruction": "  "}), "unusable_plan", "'t1': instruction"),
        (plan({"instruction": "x" * 1_001}), "unusable_plan", "'t1': instruction"),
        (plan({}, {"depends_on": ["t9"]}), "unusable_plan", "'t9', which is no task"),
        (plan({}, {"type": "retriever"}), "unusable_plan", "at least one executor"),
        (plan({"depends_on": ["t2"]}), "unusable_plan", "circle: t1 -> t2 -> t1"),
        (plan({"depends_on": ["t1"]}), "unusable_plan", "circle: t1 -> t1"),
    ],
)
def test_a_bad_plan_is_refused_with_the_reason(reply: PlanReply, code: str, reason: str) -> None:
    with pytest.raises(PlanRejected) as refused:
        checked_plan(reply)

    assert refused.value.code == code
    assert reason in str(refused.value)


def test_a_plan_of_too_many_tasks_is_refused() -> None:
    rows = [{**GOOD[1], "id": f"t{number}", "depends_on": []} for number in range(MAX_TASKS + 1)]

    with pytest.raises(PlanRejected, match=f"this one has {MAX_TASKS + 1}"):
        checked_plan(PlanReply.model_validate({"tasks": rows}))
