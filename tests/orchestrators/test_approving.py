"""A run whose plan and answer people have to approve."""

from datetime import timedelta
from typing import Any

import pytest

from murmuration.contracts.answers import Answer, Outcome
from murmuration.contracts.approvals import Decision
from murmuration.contracts.content import Content
from murmuration.contracts.goals import Approval, Budget
from murmuration.contracts.plans import Planned
from murmuration.contracts.replies import PlanReply
from murmuration.contracts.steps import Failed
from murmuration.policy.gates import GATE_WORKFLOW
from murmuration.policy.plan_rules import checked_plan
from orchestrators.goal.run import MAX_EXTENSIONS
from simulation.records import EPOCH
from simulation.scripted import Trace
from tests.orchestrators.world import BAD, PLAN, REFERENCE, World, achieve

OTHER_PLAN = checked_plan(
    PlanReply.model_validate({"tasks": [{"id": "x", "type": "executor", "instruction": "other"}]})
)


class People(World):
    """A world in which gates are decided as scripted, each after a day."""

    def __init__(self, *decisions: tuple[str, str]) -> None:
        super().__init__()
        self.decisions = list(decisions)
        self.gates: list[dict[str, Any]] = []

    def __call__(self, name: str, message: Any) -> tuple[float, Any]:
        return self._decide(message) if name == GATE_WORKFLOW else super().__call__(name, message)

    def _decide(self, gate: Any) -> tuple[float, Any]:
        self.gates.append(gate)
        state, comment = self.decisions.pop(0)
        decision = Decision.model_validate(
            {
                "gate": gate["id"],
                "content_hash": "hash",
                "state": state,
                "how": "votes",
                "by": ("ann@example.com",),
                "at": EPOCH,
                "comment": comment,
            }
        )
        return timedelta(days=1).total_seconds(), decision.model_dump(mode="json")


def ask(world: People, of: tuple[str, ...] = ("answer",), **options: Any) -> tuple[Outcome, Trace]:
    approval = Approval.model_validate({"of": of, "panels": [{"approvers": ["ann@example.com"]}]})
    return achieve(world, approval=approval, **options)


def test_an_approved_answer_goes_out_and_is_remembered_afterwards() -> None:
    world = People(("approved", ""))

    outcome, trace = ask(world)

    assert (outcome.status, outcome.answer) == ("completed", "answer 1 [1]")
    assert [approval.by for approval in outcome.approvals] == [("ann@example.com",)]
    assert world.gates[0]["request"]["content"]["text"] == "answer 1 [1]"
    details = world.gates[0]["request"]["details"]
    assert details.startswith("Goal: how hot?\n")
    assert "Evaluation: passed, score 0.90" in details
    assert "[1] tea.md, Tea: \u201cTea is hot.\u201d" in details
    names = [name for _, name, _ in trace.started]
    assert names.index("remember_result") > names.index("write_answer")
    remembered = next(at for at, name, _ in trace.started if name == "remember_result")
    assert remembered > timedelta(days=1).total_seconds(), "nothing unapproved is remembered"


def test_a_rejected_answer_is_neither_published_nor_remembered() -> None:
    world = People(("rejected", "too bold"))

    outcome, _ = ask(world)

    assert outcome.status == "failed"
    assert outcome.error is not None
    assert outcome.error.code == "answer_rejected"
    assert "ann@example.com" in outcome.error.message
    assert "too bold" in outcome.error.message
    assert (outcome.answer, outcome.citations, outcome.answer_artifact) == ("", (), None)
    assert not world.requests["remember_result"]
    assert not world.requests["extract_lessons"]


def test_a_wanted_change_goes_into_the_next_revision_which_is_evaluated_and_approved_again() -> None:
    world = People(("revise", "shorter, please"), ("approved", ""))

    outcome, _ = ask(world)

    first, second = world.requests["write_answer"]
    assert (first["changes"], second["changes"]) == ("", "shorter, please")
    assert second["previous"]["answer"]["text"] == "answer 1 [1]"
    assert [gate["id"] for gate in world.gates] == ["run-1-gate-1", "run-1-gate-2"]
    assert (outcome.answer, outcome.revisions) == ("answer 2 [1]", 1)


def test_people_cannot_revise_for_ever() -> None:
    world = People(*[("revise", "again")] * 10)

    outcome, _ = ask(world, revision_limit=2)

    assert outcome.error is not None
    assert outcome.error.code == "answer_not_approved"
    assert len(world.gates) == 3
    assert outcome.answer == ""


def test_a_plan_is_executed_after_it_is_approved() -> None:
    world = People(("revise", "leave out coffee"), ("approved", ""))
    world.script["plan_goal"] = [Planned(plan=PLAN), Planned(plan=OTHER_PLAN)]

    outcome, trace = ask(world, ("plan",))

    assert "t2 (executor): how hot is tea?" in world.gates[0]["request"]["content"]["text"]
    assert "leave out coffee" in world.requests["plan_goal"][1]["rejected"]
    assert [brief["instruction"] for brief in world.requests["ask_agent"]] == ["other"]
    worked = next(at for at, name, _ in trace.started if name == "ask_agent")
    assert worked > timedelta(days=2).total_seconds()
    assert outcome.status == "completed"


def test_a_rejected_plan_is_not_executed() -> None:
    world = People(("rejected", "no"))

    outcome, _ = ask(world, ("plan",))

    assert outcome.error is not None
    assert outcome.error.code == "plan_rejected"
    assert not world.requests["retrieve_passages"]


def test_another_plan_needs_approval_as_the_first_did() -> None:
    world = People(("approved", ""), ("rejected", ""))
    world.script["plan_goal"] = [Planned(plan=OTHER_PLAN), Planned(plan=PLAN)]
    world.script["ask_agent"] = [Failed(code="model_refused", message="no")]

    outcome, _ = ask(world, ("plan",))

    assert outcome.error is not None
    assert outcome.error.code == "plan_rejected"
    assert len(world.requests["ask_agent"]) == 1


@pytest.mark.parametrize(("verdict_passes", "gates"), [(True, 0), (False, 1)])
def test_an_answer_that_did_not_pass_goes_to_a_person_when_the_options_say_so(verdict_passes: bool, gates: int) -> None:
    world = People(("approved", ""))
    if not verdict_passes:
        world.script["evaluate_result"] = [lambda value: BAD if value["instruction"] == "how hot?" else None]

    outcome, _ = ask(world, of=(), revision_limit=0, on_exhausted="ask_person")

    assert len(world.gates) == gates
    assert outcome.status == "completed"


def test_waiting_for_people_costs_no_budget() -> None:
    world = People(("approved", ""))

    outcome, trace = ask(world, budget=Budget(seconds=60))

    assert trace.seconds > timedelta(days=1).total_seconds()
    assert outcome.status == "completed"
    assert outcome.degraded == ()


def test_people_approve_a_large_answer_by_reference() -> None:
    world = People(("approved", ""))
    large = Content(reference=REFERENCE)
    world.script["write_answer"] = [Answer(answer=large, passages=REFERENCE)]

    outcome, _ = ask(world)

    assert world.gates[0]["request"]["content"]["reference"]["artifact"] == REFERENCE.artifact
    assert outcome.answer_artifact == REFERENCE.artifact


def test_people_extend_the_budget_once_for_all_tasks_that_wait() -> None:
    world = People(("approved", ""), ("approved", ""))

    outcome, _ = ask(world, (), budget=Budget(model_calls=4), on_budget="ask_person")

    assert outcome.status == "completed"
    assert outcome.usage.model_calls == 12
    assert len(world.gates) == 2
    assert all("Goal: how hot?" in gate["request"]["content"]["text"] for gate in world.gates)
    assert "4 of 4 model calls" in world.gates[0]["request"]["content"]["text"]
    assert [approval.state for approval in outcome.approvals] == ["approved", "approved"]


def test_a_run_whose_budget_is_not_extended_ends_with_the_best_it_has() -> None:
    world = People(("rejected", ""))

    outcome, _ = ask(world, (), budget=Budget(model_calls=9), on_budget="ask_person")

    assert outcome.error is not None
    assert outcome.error.code == "budget_exceeded"
    assert outcome.answer == "answer 1 [1]"


def test_a_budget_is_not_extended_for_ever() -> None:
    world = People(*[("approved", "")] * 20)

    outcome, _ = ask(world, (), budget=Budget(model_calls=2), on_budget="ask_person")

    assert len(world.gates) == MAX_EXTENSIONS
    assert outcome.usage.model_calls <= 2 * (1 + MAX_EXTENSIONS)
    assert outcome.error is not None


def test_a_budget_that_ends_publishes_no_unapproved_answer() -> None:
    world = People(("revise", "more"))

    outcome, _ = ask(world, budget=Budget(model_calls=10))

    assert outcome.error is not None
    assert outcome.error.code == "budget_exceeded"
    assert outcome.answer == ""


@pytest.mark.parametrize("options", [{"on_exhausted": "fail", "revision_limit": 0}, {"budget": Budget(model_calls=9)}])
def test_an_answer_that_nobody_was_asked_about_is_not_published_either(options: dict[str, Any]) -> None:
    world = People()
    world.script["evaluate_result"] = [lambda value: BAD if value["instruction"] == "how hot?" else None]

    outcome, _ = ask(world, **options)

    assert outcome.status == "failed"
    assert (outcome.answer, outcome.citations) == ("", ())


def exhausted(*decisions: tuple[str, str], **options: Any) -> tuple[Outcome, People]:
    """A run whose answer never passes, and that asks people only for that reason."""
    world = People(*decisions)
    world.script["evaluate_result"] = [lambda value: BAD if value["instruction"] == "how hot?" else None]
    outcome, _ = ask(world, of=(), on_exhausted="ask_person", **options)
    return outcome, world


@pytest.mark.parametrize(
    ("decisions", "code"),
    [
        ((("rejected", "wrong"),), "answer_rejected"),
        ((("revise", "more"),), "answer_not_approved"),
        ((("revise", "more"), ("rejected", "wrong")), "answer_rejected"),
    ],
)
def test_an_answer_that_did_not_pass_and_is_not_approved_does_not_go_out(
    decisions: tuple[tuple[str, str], ...], code: str
) -> None:
    outcome, world = exhausted(*decisions, revision_limit=len(decisions) - 1)

    assert outcome.error is not None
    assert (outcome.status, outcome.error.code) == ("failed", code)
    assert (outcome.answer, outcome.citations, outcome.answer_artifact, outcome.missing) == ("", (), None, ())
    assert {gate["request"]["title"] for gate in world.gates} == {"Answer that has not passed its evaluation"}
    assert not world.requests["remember_result"]
    assert not world.requests["append_turn"]


def test_a_budget_that_ends_while_people_revise_an_answer_that_did_not_pass_does_not_let_it_out() -> None:
    outcome, _ = exhausted(("revise", "more"), revision_limit=0, budget=Budget(model_calls=10))

    assert outcome.error is not None
    assert outcome.error.code == "budget_exceeded"
    assert (outcome.answer, outcome.citations) == ("", ())


def test_people_are_told_that_an_answer_has_not_passed_and_may_let_it_out() -> None:
    outcome, world = exhausted(("approved", ""), revision_limit=0)

    assert world.gates[0]["request"]["title"] == "Answer that has not passed its evaluation"
    assert "Evaluation: not passed" in world.gates[0]["request"]["details"]
    assert (outcome.status, outcome.answer) == ("completed", "answer 1 [1]")
