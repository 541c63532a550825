"""The paths of `achieve_goal`: plans, failures, revisions, limits and decisions, each in a scripted world."""

from collections.abc import Callable
from typing import Any

from murmuration.contracts.answers import Answer, Draft, LostItem, Verdict
from murmuration.contracts.approvals import Decision
from murmuration.contracts.background import Cancelled
from murmuration.contracts.content import Content
from murmuration.contracts.goals import Approval, Budget, Goal
from murmuration.contracts.memories import ExtractionResult, Lesson, Note, RecallResult
from murmuration.contracts.owner import Owner
from murmuration.contracts.plans import Plan, Planned
from murmuration.contracts.runs import Caller
from murmuration.contracts.steps import PENDING, Failed, Later
from murmuration.policy.gates import GATE_WORKFLOW
from orchestrators.goal.achieve_goal import achieve_goal
from simulation.records import EPOCH
from simulation.scripted import Trace, simulate
from tests.orchestrators.test_approving import OTHER_PLAN, People
from tests.orchestrators.test_graph import LIST, fails, lists, plan
from tests.orchestrators.world import BAD, GOOD, REFERENCE, Reply, World, achieve

SMALL = plan(
    {"id": "t1", "type": "retriever", "instruction": "find tea"},
    {"id": "t2", "type": "executor", "instruction": "how hot is tea?", "depends_on": ["t1"]},
)
PER_ITEM = {"id": "each", "type": "executor", "instruction": "how hot is ${item}?", "for_each": "list"}
NO = Failed(code="model_refused", message="no")
DOWN = Later(code="rate_limited", seconds=20)
Script = list[Callable[[Any], Reply | None] | Reply]


def goal(own: Plan | None = SMALL, script: dict[str, Script] | None = None, **options: Any) -> Callable[[], Trace]:
    """A run with a plan of its own; with None it asks the planner, whose plan has four tasks unless scripted."""

    def run() -> Trace:
        world = World()
        world.script.update({step: list(replies) for step, replies in (script or {}).items()})
        return achieve(world, own, **options)[1]

    return run


def people(of: tuple[str, ...], *decisions: tuple[str, str], **options: Any) -> Callable[[], Trace]:
    """A run whose gates end with `decisions`, each a state and a comment."""

    def run() -> Trace:
        world = People(*decisions)
        world.script["plan_goal"] = [Planned(plan=SMALL), Planned(plan=OTHER_PLAN)]
        approval = Approval.model_validate({"of": of, "panels": [{"approvers": ["ann@example.com"]}]})
        return achieve(world, approval=approval, **options)[1]

    return run


class GateEnds(World):
    """A world in which a gate ends with `result`."""

    def __init__(self, result: Any) -> None:
        super().__init__()
        self.result = result

    def __call__(self, name: str, message: Any) -> tuple[float, Any]:
        return (60, self.result) if name == GATE_WORKFLOW else super().__call__(name, message)


def gate_ends(result: Any) -> Callable[[], Trace]:
    approval = Approval.model_validate({"panels": [{"approvers": ["ann@example.com"]}]})
    return lambda: achieve(GateEnds(result), SMALL, approval=approval)[1]


class Slow(World):
    def __call__(self, name: str, message: Any) -> tuple[float, Any]:
        seconds, reply = super().__call__(name, message)
        return (900 if message["value"].get("instruction") == "slow" else seconds), reply


def timed_out() -> Trace:
    slow = {"id": "slow", "type": "executor", "instruction": "slow", "timeout_seconds": 30}
    return achieve(Slow(), plan(LIST, slow))[1]


def on_the_answer(*verdicts: Verdict) -> Script:
    """Verdicts on the answer, one after the other; tasks pass."""
    left = list(verdicts)
    return [lambda value: left.pop(0) if left and value["instruction"] == "how hot?" else None]


def on_a_draft(text: str, verdict: Verdict) -> Script:
    return [lambda value: verdict if value["draft"]["answer"]["text"] == text else None]


def revision_fails(value: Any) -> Reply | None:
    return NO if value["previous"] else None


def exhausted_asks_a_person() -> Trace:
    world = People(APPROVED)
    world.script["evaluate_result"] = on_the_answer(BAD)
    approval = Approval.model_validate({"of": (), "panels": [{"approvers": ["ann@example.com"]}]})
    return achieve(world, SMALL, approval=approval, revision_limit=0, on_exhausted="ask_person")[1]


def own_plan_wants_changes() -> Trace:
    approval = Approval.model_validate({"of": ("plan",), "panels": [{"approvers": ["ann@example.com"]}]})
    return achieve(People(("revise", "Give it 900 s.")), SMALL, approval=approval)[1]


def people_and_judge() -> Trace:
    """People ask for a change; the judge then wants another one, too."""
    world = People(("revise", "in German"), APPROVED)
    world.script["evaluate_result"] = on_the_answer(GOOD, BAD)
    approval = Approval.model_validate({"panels": [{"approvers": ["ann@example.com"]}]})
    return achieve(world, SMALL, approval=approval)[1]


def task_waits_for_people() -> Trace:
    """A task of five seconds whose budget is extended after a day."""
    approval = Approval.model_validate({"of": (), "panels": [{"approvers": ["ann@example.com"]}]})
    own, budget = plan({**LIST, "timeout_seconds": 5}), Budget(model_calls=3)
    return achieve(People(*[APPROVED] * 3), own, approval=approval, budget=budget, on_budget="ask_person")[1]


def conversation() -> Trace:
    value = Goal(caller=Caller(tenant="t"), owner=Owner(tenant="t"), session="s", text="how hot?", plan=SMALL)
    return simulate(achieve_goal, value.model_dump(mode="json"), World())


EXPIRED = Decision(gate="run-1-gate-1", content_hash="hash", state="rejected", how="expired", at=EPOCH)
APPROVED = ("approved", "")
BETTER = Verdict(passed=False, score=0.5, changes="still more")
WRONG = Verdict(passed=False, score=0.2, reasons=("about coffee",), plan_wrong=True)
KNOWN = RecallResult(notes=(Note(source="run-0", text="Tea is hot.", kind="fact", about="tea"),))
LEARNED = ExtractionResult(lessons=(Lesson(kind="fact", about="tea", text="Tea is hot."),))
REFUSED_PLAN = Planned(rejected="task 't9' is no task", code="unusable_plan")
THEN = {"id": "then", "type": "executor", "instruction": "and then?"}
LARGE = Answer(answer=Content(reference=REFERENCE), passages=REFERENCE)
WITH_FALLBACK = {**LIST, "on_failure": "fallback"}
CONDITION = {"task": "list", "field": "items", "op": "gt", "value": 1}
PENDING_ONCE = Later(code=PENDING, token="t-1")  # noqa: S106 - it leads back to what is under way
ASYNCHRONOUS: Script = [PENDING_ONCE, PENDING_ONCE]
DOWN_WITH_TOKEN = Later(code="rate_limited", seconds=20, token="t-1")  # noqa: S106 - as above
CUT = Draft(
    answer=Content(text="teas [1]"),
    passages=REFERENCE,
    items=("green",),
    lost_items=(LostItem(item="black", reason="item 21 of a list"),),
)
AMONG_TEAS = lists("green", "black")

GOALS: dict[str, Callable[[], Trace]] = {
    "completed": goal(None),
    "completed_one_task_at_a_time": goal(None, concurrency=1),
    "own_plan": goal(),
    "with_memory": goal(script={"recall_memory": [KNOWN], "extract_lessons": [LEARNED]}),
    "not_to_be_remembered": goal(remember=False),
    "large_answer": goal(script={"write_answer": [LARGE]}),
    "task_revised": goal(script={"evaluate_result": on_a_draft("draft 1 [1]", BAD)}),
    "answer_revised": goal(script={"evaluate_result": on_the_answer(BAD)}),
    "revision_worse": goal(script={"evaluate_result": on_the_answer(BAD, Verdict(passed=False, score=0.1))}),
    "revision_failed": goal(script={"evaluate_result": on_the_answer(BAD), "write_answer": [revision_fails]}),
    "revisions_exhausted": goal(script={"evaluate_result": on_the_answer(BAD, BETTER)}, revision_limit=1),
    "revisions_exhausted_fails": goal(
        script={"evaluate_result": on_the_answer(BAD)}, revision_limit=0, on_exhausted="fail"
    ),
    "not_evaluated": goal(script={"evaluate_result": [lambda _: NO]}),
    "task_failed": goal(None, {"ask_agent": [fails("tea")]}, replan_limit=0),
    "no_task_succeeded": goal(script={"ask_agent": [lambda _: NO]}),
    "task_ends_the_run": goal(plan({**LIST, "on_failure": "fail_run"}), {"ask_agent": [lambda _: NO]}),
    "task_timed_out": timed_out,
    "fallback_answer": goal(plan({**WITH_FALLBACK, "fallback": {"answer": "tea"}}), {"ask_agent": [NO]}),
    "fallback_agent": goal(plan({**WITH_FALLBACK, "fallback": {"agent": "expert"}}), {"ask_agent": [NO]}),
    "fallback_agent_failed": goal(
        plan({**WITH_FALLBACK, "fallback": {"agent": "expert"}}), {"ask_agent": [lambda _: NO]}
    ),
    "agent": goal(plan(LIST, {"id": "poem", "type": "agent", "agent": "translator", "instruction": "${list.answer}"})),
    "for_each": goal(plan(LIST, PER_ITEM), {"ask_agent": [AMONG_TEAS]}),
    "for_each_item_failed": goal(plan(LIST, PER_ITEM), {"ask_agent": [AMONG_TEAS, fails("black")]}),
    "for_each_of_nothing": goal(plan(LIST, PER_ITEM)),
    "condition_holds": goal(plan(LIST, {**THEN, "when": CONDITION}), {"ask_agent": [AMONG_TEAS]}),
    "condition_does_not_hold": goal(plan(LIST, {**THEN, "when": CONDITION})),
    "another_plan": goal(
        None, {"plan_goal": [Planned(plan=SMALL), Planned(plan=OTHER_PLAN)], "ask_agent": [fails("tea")]}
    ),
    "same_plan_again": goal(None, {"plan_goal": [lambda _: Planned(plan=SMALL)], "ask_agent": [fails("tea")]}),
    "plan_missed_the_goal": goal(
        None,
        {"plan_goal": [Planned(plan=SMALL), Planned(plan=OTHER_PLAN)], "evaluate_result": on_the_answer(WRONG, GOOD)},
        revision_limit=0,
    ),
    "unusable_plan_then_a_good_one": goal(None, {"plan_goal": [REFUSED_PLAN, Planned(plan=SMALL)]}),
    "unusable_plan": goal(None, {"plan_goal": [lambda _: REFUSED_PLAN]}),
    "budget_of_calls": goal(budget=Budget(model_calls=4)),
    "budget_of_calls_with_an_answer": goal(budget=Budget(model_calls=5)),
    "budget_of_seconds": goal(budget=Budget(seconds=3)),
    "budget_before_remembering": goal(budget=Budget(model_calls=7)),
    "outage": goal(script={"ask_agent": [DOWN, Later(code="model_unavailable"), RuntimeError("lost")]}),
    "outage_for_good": goal(script={"ask_agent": [lambda _: DOWN]}),
    "memory_down": goal(script={"recall_memory": [lambda _: DOWN], "remember_result": [lambda _: DOWN]}),
    "in_the_background": goal(script={"ask_agent": ASYNCHRONOUS}),
    "in_the_background_cancelled": goal(
        script={"ask_agent": [PENDING_ONCE, lambda _: DOWN_WITH_TOKEN], "cancel_background": [Cancelled()]}
    ),
    "in_the_background_out_of_time": goal(
        plan({**LIST, "timeout_seconds": 4}),
        script={"ask_agent": [lambda _: PENDING_ONCE], "cancel_background": [Cancelled()]},
    ),
    "in_the_background_when_the_run_fails": goal(
        plan({**LIST, "id": "slow"}, {**LIST, "id": "bad", "instruction": "bad", "on_failure": "fail_run"}),
        script={
            "ask_agent": [lambda value: NO if value["instruction"] == "bad" else PENDING_ONCE],
            "cancel_background": [Cancelled()],
        },
    ),
    "plan_approved": people(("plan",), APPROVED),
    "plan_revised": people(("plan",), ("revise", "leave out tea"), APPROVED),
    "plan_rejected": people(("plan",), ("rejected", "no")),
    "plan_never_approved": people(("plan",), ("revise", "more"), ("rejected", "no"), revision_limit=1),
    "own_plan_wants_changes": own_plan_wants_changes,
    "answer_approved": people(("answer",), APPROVED),
    "answer_revised_by_people": people(("answer",), ("revise", "shorter"), APPROVED),
    "answer_rejected": people(("answer",), ("rejected", "too bold")),
    "answer_never_approved": people(("answer",), ("revise", "more"), ("rejected", "no"), revision_limit=1),
    "answer_revised_as_people_and_judge_want": people_and_judge,
    "branch_on_a_failure": goal(
        plan(LIST, {**THEN, "when": {"task": "list", "field": "state", "op": "eq", "value": "failed"}}),
        {"ask_agent": [fails("list")]},
    ),
    "for_each_of_items_that_were_cut": goal(plan(LIST, PER_ITEM), {"ask_agent": [CUT]}),
    "task_waits_for_people": task_waits_for_people,
    "answer_expired": gate_ends(EXPIRED.model_dump(mode="json")),
    "plan_and_answer_approved": people(("plan", "answer"), APPROVED, APPROVED),
    "exhausted_asks_a_person": exhausted_asks_a_person,
    "gate_broke": gate_ends(RuntimeError("stopped")),
    "turn_of_a_conversation": conversation,
}

PATHS = {"achieve_goal": GOALS}
