"""A run whose plan and answer people have to approve."""

from datetime import timedelta
from typing import Any

import pytest

from loopback.functions import protocol as wire
from murmuration.contracts.answers import Answer, Outcome, Verdict
from murmuration.contracts.approvals import Decision
from murmuration.contracts.content import Content
from murmuration.contracts.goals import Approval, Budget
from murmuration.contracts.plans import Plan, Planned
from murmuration.contracts.replies import PlanReply
from murmuration.contracts.steps import Failed
from murmuration.policy.gates import GATE_WORKFLOW
from murmuration.policy.plan_rules import checked_plan
from orchestrators.goal.run import MAX_EXTENSIONS
from simulation.records import EPOCH
from simulation.scripted import Trace
from tests.orchestrators.world import BAD, GOOD, PLAN, REFERENCE, World, achieve

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


@pytest.mark.parametrize("of", ["plan", "answer"])
@pytest.mark.parametrize("limit", [0, 1, 2])
def test_a_revision_is_offered_as_often_as_it_can_be_granted_and_its_result_is_shown(of: str, limit: int) -> None:
    world = People(*[("revise", "again")] * limit, ("approved", ""))
    world.script["plan_goal"] = [lambda value: Planned(plan=numbered_plan(len(value["wishes"])))]

    outcome, _ = ask(world, (of,), revision_limit=limit)

    assert [gate["request"]["may_revise"] for gate in world.gates] == [True] * limit + [False]
    assert outcome.status == "completed"
    shown = world.gates[-1]["request"]["content"]["text"]
    assert shown == outcome.answer if of == "answer" else f"way {limit}" in shown
    assert len(world.requests["write_answer"]) == (1 + limit if of == "answer" else 1), "none is thrown away"
    assert len(world.requests["plan_goal"]) == (1 + limit if of == "plan" else 1)


@pytest.mark.parametrize("of", ["plan", "answer"])
def test_a_wish_that_cannot_be_granted_any_more_rejects(of: str) -> None:
    """A gate ignores such a vote; a decision of a gate that began before is taken for what it says: not so."""
    world = People(*[("revise", "again")] * 10)

    outcome, _ = ask(world, (of,), revision_limit=2)

    assert outcome.error is not None
    assert outcome.error.code == f"{of}_rejected"
    assert "again" in outcome.error.message
    assert len(world.gates) == 3
    assert outcome.answer == ""


def numbered_plan(number: int) -> Plan:
    return checked_plan(
        PlanReply.model_validate({"tasks": [{"id": "x", "type": "executor", "instruction": f"way {number}"}]})
    )


def test_every_wish_and_the_plan_that_was_shown_are_in_each_later_brief_of_the_planner() -> None:
    wishes = ("Search the archive folder only.", "Name the shelf, too.")
    world = People(*(("revise", wish) for wish in wishes), ("approved", ""))
    refused_once = [Planned(rejected="task 't9' is no task", code="unusable_plan")]
    world.script["plan_goal"] = [
        lambda value: refused_once.pop() if value["wishes"] and refused_once else None,
        lambda value: Planned(plan=numbered_plan(len(value["wishes"]))),
    ]

    ask(world, ("plan",))

    briefs = world.requests["plan_goal"]
    assert [brief["wishes"] for brief in briefs] == [[], [wishes[0]], [wishes[0]], list(wishes)]
    shown = [numbered_plan(number).model_dump(mode="json") for number in range(2)]
    assert [brief["previous"] for brief in briefs] == [None, shown[0], shown[0], shown[1]]
    assert "archive folder" in briefs[2]["rejected"], "an unusable reply does not displace the reason"
    assert "'t9' is no task" in briefs[2]["rejected"]


def test_wishes_hold_when_the_planner_makes_another_plan_after_a_failure() -> None:
    world = People(("revise", "no milk"), ("approved", ""), ("revise", "no sugar"), ("approved", ""))
    bad = {"id": "bad", "type": "executor", "instruction": "bad"}
    good = {"id": "good", "type": "executor", "instruction": "good"}
    with_failure = checked_plan(PlanReply.model_validate({"tasks": [bad, good]}))
    world.script["plan_goal"] = [
        Planned(plan=PLAN),
        Planned(plan=with_failure),
        lambda value: Planned(plan=numbered_plan(len(value["wishes"]))),
    ]
    world.script["ask_agent"] = [
        lambda value: Failed(code="model_refused", message="no") if value["instruction"] == "bad" else None
    ]

    outcome, _ = ask(world, ("plan",))

    first, second, after_failure, last = world.requests["plan_goal"]
    assert [brief["wishes"] for brief in (first, second, after_failure, last)] == [
        [], ["no milk"], ["no milk"], ["no milk", "no sugar"],
    ]  # fmt: skip
    assert after_failure["previous"] == with_failure.model_dump(mode="json")
    assert last["previous"] == numbered_plan(1).model_dump(mode="json")
    assert "task bad failed" in last["rejected"], "why there had to be another plan at all"
    assert [task["id"] for task in last["done"]] == ["good"]
    assert outcome.status == "completed"
    assert world.requests["write_answer"][0]["wishes"] == ["no milk", "no sugar"]


def test_the_callers_plan_is_never_replaced_and_the_wish_goes_back_to_the_caller() -> None:
    task = {"id": "x", "type": "executor", "instruction": "find it", "agent": "expert", "timeout_seconds": 600}
    own = checked_plan(
        PlanReply.model_validate({"tasks": [{**task, "on_failure": "fail_run"}]}),
        {"executor": "executor", "expert": "executor"},
    )
    world = People(("revise", "Give it 900 s."))

    outcome, _ = ask(world, ("plan",), plan=own)

    assert outcome.error is not None
    assert outcome.error.code == "plan_changes_wanted"
    assert "Give it 900 s." in outcome.error.message
    assert outcome.approvals[0].comment == "Give it 900 s."
    assert not world.requests["plan_goal"]
    assert not world.requests["ask_agent"]


def on_the_answer(*verdicts: Verdict) -> Any:
    left = list(verdicts)
    return lambda value: left.pop(0) if value["instruction"] == "how hot?" and left else None


def test_a_wish_holds_through_all_inner_revisions_and_is_judged() -> None:
    world = People(("revise", "Write it in German."), ("revise", "Shorter."), ("approved", ""))
    where = Verdict(passed=False, score=0.3, changes="Say where the archive is.")
    better = Verdict(passed=False, score=0.5, changes="Say since when.")
    world.script["evaluate_result"] = [on_the_answer(GOOD, where, better, GOOD, where)]

    ask(world)

    drafts = [(brief["changes"], brief["wishes"]) for brief in world.requests["write_answer"]]
    german, both = ["Write it in German."], ["Write it in German.", "Shorter."]
    assert drafts == [
        ("", []),
        ("Write it in German.", german),
        ("Say where the archive is.", german),
        ("Say since when.", german),
        ("Shorter.", both),
        ("Say where the archive is.", both),
    ]
    judged = [value["wishes"] for value in world.requests["evaluate_result"] if value["instruction"] == "how hot?"]
    assert judged == [wishes for _, wishes in drafts]


def test_the_result_of_a_task_is_judged_by_its_own_instruction() -> None:
    world = People(("revise", "no milk"), ("approved", ""))

    ask(world, ("plan",))

    tasks = [value for value in world.requests["evaluate_result"] if value["instruction"] != "how hot?"]
    assert tasks
    assert not any(value["wishes"] for value in tasks)


def test_nobody_is_offered_a_revision_of_the_budget() -> None:
    world = People(("approved", ""), ("approved", ""))

    ask(world, (), budget=Budget(model_calls=4), on_budget="ask_person")

    assert [gate["request"]["may_revise"] for gate in world.gates] == [False, False]


TASK_IN_TIME = {"id": "x", "type": "executor", "instruction": "how hot is tea?", "timeout_seconds": 5}


class SlowPeople(People):
    """People who take `seconds` to decide."""

    def __init__(self, seconds: float, *decisions: tuple[str, str]) -> None:
        super().__init__(*decisions)
        self.seconds = seconds

    def _decide(self, gate: Any) -> tuple[float, Any]:
        return self.seconds, super()._decide(gate)[1]


def plan_of(*tasks: dict[str, Any]) -> Plan:
    return checked_plan(PlanReply.model_validate({"tasks": tasks}))


def test_the_clock_of_a_task_stands_still_while_its_run_waits_for_people() -> None:
    world = SlowPeople(8, ("approved", ""), ("approved", ""), ("approved", ""))

    outcome, _ = ask(world, (), plan=plan_of(TASK_IN_TIME), budget=Budget(model_calls=2), on_budget="ask_person")

    assert [task.state for task in outcome.tasks] == ["done"]
    assert len(world.gates) >= 2
    assert outcome.status == "completed"


class OneSlowSearch(SlowPeople):
    """A world in which the search `slow` takes four seconds."""

    def __call__(self, name: str, message: Any) -> tuple[float, Any]:
        seconds, reply = super().__call__(name, message)
        return (4 if message.get("value", {}).get("text") == "slow" else seconds), reply


def test_the_clocks_of_all_tasks_stand_still_also_of_one_that_begins_while_people_think() -> None:
    search = {"type": "retriever", "timeout_seconds": 5}
    tasks = [
        {**search, "id": "slow", "instruction": "slow"},
        TASK_IN_TIME,
        {**search, "id": "late", "instruction": "late"},
    ]
    world = OneSlowSearch(60, *[("approved", "")] * 3)

    outcome, trace = ask(
        world, (), plan=plan_of(*tasks), concurrency=2, budget=Budget(model_calls=3), on_budget="ask_person"
    )

    began = first_seen(trace, 2, "running")
    gate_ended = next(at for at, name, _ in trace.ended if name == GATE_WORKFLOW)
    assert began < gate_ended - 5, "it began while people were thinking, for longer than it may take"
    assert [task.state for task in outcome.tasks] == ["done"] * 3


def first_seen(trace: Trace, number: int, state: str) -> float:
    """The seconds after which the status first showed the task of this number in this state."""
    started = [event for event in trace.history if event["EventType"] == wire.ORCHESTRATOR_STARTED]
    for event, status in zip(started, trace.statuses, strict=True):
        if status["tasks"] and status["tasks"][number]["state"] == state:
            return (wire.parse_timestamp(event["Timestamp"]) - EPOCH).total_seconds()
    raise AssertionError(f"task {number} was never {state}")


def test_a_task_that_is_too_slow_by_itself_still_runs_out_of_time_after_a_gate() -> None:
    class Slow(SlowPeople):
        def __call__(self, name: str, message: Any) -> tuple[float, Any]:
            seconds, reply = super().__call__(name, message)
            return (30 if name == "evaluate_result" else seconds), reply

    world = Slow(600, *[("approved", "")] * 3)

    outcome, trace = ask(
        world, (), plan=plan_of(TASK_IN_TIME), budget=Budget(model_calls=2), on_budget="ask_person", replan_limit=0
    )

    assert outcome.tasks[0].reason == "task_timeout: not done after 5 s"
    gate_ended = next(at for at, name, _ in trace.ended if name == GATE_WORKFLOW)
    assert first_seen(trace, 0, "failed") - gate_ended == 4, "1 of 5 s was used before"


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
        ((("revise", "more"),), "answer_rejected"),
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
    outcome, _ = exhausted(("revise", "more"), revision_limit=1, budget=Budget(model_calls=12))

    assert outcome.error is not None
    assert outcome.error.code == "budget_exceeded"
    assert (outcome.answer, outcome.citations) == ("", ())


def test_people_are_told_that_an_answer_has_not_passed_and_may_let_it_out() -> None:
    outcome, world = exhausted(("approved", ""), revision_limit=0)

    assert world.gates[0]["request"]["title"] == "Answer that has not passed its evaluation"
    assert "Evaluation: not passed" in world.gates[0]["request"]["details"]
    assert (outcome.status, outcome.answer) == ("completed", "answer 1 [1]")
