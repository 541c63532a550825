"""Tasks of a plan: conditions, lists, references, timeouts, failure policies; and replanning."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from murmuration.contracts.agents import AgentAnswer
from murmuration.contracts.answers import Answer, Draft, LostItem, Verdict
from murmuration.contracts.content import Content, Reference
from murmuration.contracts.plans import MAX_ITEMS, Plan, Planned
from murmuration.contracts.replies import PlanReply
from murmuration.contracts.steps import Failed
from murmuration.policy.plan_rules import AgentTypes, checked_plan
from tests.orchestrators.world import BAD, GOOD, REFERENCE, World, achieve, states

LIST: dict[str, Any] = {"id": "list", "type": "executor", "instruction": "list the teas"}
AGENTS: AgentTypes = {"executor": "executor", "expert": "executor", "translator": "agent"}
LIST_HAS_ITEMS = {"task": "list", "field": "items", "op": "gt", "value": 0}
REFUSED = Failed(code="model_refused", message="no")


def plan(*tasks: dict[str, Any]) -> Plan:
    return checked_plan(PlanReply.model_validate({"tasks": tasks}), AGENTS)


def lists(*items: str, answer: str = "teas [1]") -> Callable[[Any], Draft | None]:
    """The answer of the task `list`."""
    draft = Draft(answer=Content(text=answer), passages=REFERENCE, items=items)
    return lambda value: draft if value["instruction"] == "list the teas" else None


def fails(word: str, agent: str = "executor") -> Callable[[Any], Failed | None]:
    return lambda value: REFUSED if word in value["instruction"] and value["agent"] == agent else None


def test_a_task_is_done_for_each_item_under_the_runs_cap() -> None:
    world = World()
    world.script["ask_agent"] = [lists("green", "black", "white")]
    per_item = {"id": "per_item", "type": "executor", "instruction": "how hot is ${item} tea?", "for_each": "list"}

    outcome, trace = achieve(world, plan(LIST, per_item), concurrency=2)

    instructions = [brief["instruction"] for brief in world.requests["ask_agent"][1:]]
    assert instructions == ["how hot is green tea?", "how hot is black tea?", "how hot is white tea?"]
    assert states(outcome) == {"list": "done", "per_item": "done"}
    results = [(result["task"], result["instruction"]) for result in world.requests["write_answer"][0]["results"]]
    assert results == [
        ("list", "list the teas"),
        *((f"per_item[{n}]", text) for n, text in enumerate(instructions, start=1)),
    ]
    assert _peak(trace.started, trace.ended) == 2


def _peak(started: list[tuple[float, str, Any]], ended: list[tuple[float, str, Any]]) -> int:
    changes = sorted([(at, 1) for at, *_ in started] + [(at, -1) for at, *_ in ended])
    peak = under_way = 0
    for _, change in changes:
        under_way += change
        peak = max(peak, under_way)
    return peak


def test_an_agent_sees_what_came_before_and_its_answer_goes_on_without_search_or_verdict() -> None:
    world = World()
    text = AgentAnswer(answer=Content(text="Die Tees"), reply={"text": "Die Tees"})
    world.script["ask_agent"] = [lambda value: text if value["agent"] == "translator" else None]
    german = {"id": "german", "type": "agent", "agent": "translator", "instruction": "in German: ${list.answer}"}
    after = {"id": "after", "type": "executor", "instruction": "and then?", "depends_on": ["german"]}

    outcome, _ = achieve(world, plan(LIST, german, after))

    assert states(outcome) == {"list": "done", "german": "done", "after": "done"}
    briefs = {brief["instruction"]: brief for brief in world.requests["ask_agent"]}
    translating = briefs["in German: ${list.answer}"]
    assert translating["inserts"]["list.answer"][0]["text"] == "draft 1 [1]"
    assert [answer["task"] for answer in translating["earlier"]] == ["list"]
    assert translating["passages"] == []
    assert [answer["draft"]["answer"]["text"] for answer in briefs["and then?"]["earlier"]] == ["Die Tees"]
    assert [query["text"] for query in world.requests["retrieve_passages"]] == ["list the teas", "and then?"]
    evaluated = [value["instruction"] for value in world.requests["evaluate_result"]]
    assert evaluated == ["list the teas", "and then?", "how hot?"]
    results = [answer["draft"]["answer"]["text"] for answer in world.requests["write_answer"][0]["results"]]
    assert results == ["draft 1 [1]", "Die Tees", "draft 3 [1]"]


def test_an_agent_that_fails_is_replaced_by_its_fallback() -> None:
    world = World()
    world.script["ask_agent"] = [fails("German", agent="translator")]
    fallback = {"on_failure": "fallback", "fallback": {"answer": "no translation"}}
    german = {"id": "german", "type": "agent", "agent": "translator", "instruction": "in German: ${list.answer}"}

    outcome, _ = achieve(world, plan(LIST, {**german, **fallback}))

    assert states(outcome)["german"] == "done"
    assert "fallback_answer" in outcome.degraded


def test_a_list_is_cut_at_its_maximum() -> None:
    world = World()
    world.script["ask_agent"] = [lists(*map(str, range(100)))]
    per_item = {"id": "per_item", "type": "executor", "instruction": "tea ${item}?", "for_each": "list"}

    achieve(world, plan(LIST, per_item))

    assert len(world.requests["ask_agent"]) == 1 + MAX_ITEMS


def test_an_empty_list_skips_the_task_that_is_done_for_its_items() -> None:
    per_item = {"id": "per_item", "type": "executor", "instruction": "tea ${item}?", "for_each": "list"}

    outcome, _ = achieve(World(), plan(LIST, per_item))

    assert states(outcome) == {"list": "done", "per_item": "skipped"}
    assert outcome.tasks[1].reason == "list has no items"


def test_an_item_that_fails_does_not_lose_the_others() -> None:
    world = World()
    world.script["ask_agent"] = [lists("green", "black"), fails("black")]
    per_item = {"id": "per_item", "type": "executor", "instruction": "how hot is ${item}?", "for_each": "list"}

    outcome, _ = achieve(world, plan(LIST, per_item))

    assert states(outcome) == {"list": "done", "per_item": "done"}
    assert outcome.tasks[1].reason == "1 of 2 failed: model_refused: no"
    assert [result["task"] for result in world.requests["write_answer"][0]["results"]] == ["list", "per_item[1]"]


def test_referenced_answers_travel_beside_the_instruction() -> None:
    world = World()
    large = Content(reference=Reference(artifact="t/runs/x/1", bytes=99_999))
    world.script["ask_agent"] = [
        lambda value: Draft(answer=large, passages=REFERENCE) if "list" in value["instruction"] else None
    ]
    after = {"id": "after", "type": "executor", "instruction": "shorten ${list.answer}"}

    achieve(world, plan(LIST, after))

    brief = world.requests["ask_agent"][1]
    assert brief["instruction"] == "shorten ${list.answer}"
    assert brief["inserts"] == {"list.answer": [large.model_dump()]}
    assert world.requests["evaluate_result"][1]["inserts"] == brief["inserts"]


@pytest.mark.parametrize(
    ("field", "op", "value", "holds"),
    [
        ("score", "ge", 0.9, True),
        ("score", "gt", 0.9, False),
        ("passed", "eq", True, True),
        ("passed", "ne", True, False),
        ("answer", "contains", "TEAS", True),
        ("answer", "contains", "coffee", False),
        ("items", "contains", "Green", True),
        ("items", "contains", "gree", False),
        ("items", "lt", 2, False),
        ("items", "eq", 2, True),
        ("missing", "gt", 0, False),
        ("state", "eq", "done", True),
    ],
)
def test_a_task_whose_condition_does_not_hold_is_skipped(field: str, op: str, value: Any, holds: bool) -> None:
    world = World()
    world.script["ask_agent"] = [lists("green", "black")]
    when = {"task": "list", "field": field, "op": op, "value": value}
    then = {"id": "then", "type": "executor", "instruction": "and then?", "when": when}

    outcome, _ = achieve(world, plan(LIST, then))

    assert states(outcome)["then"] == ("done" if holds else "skipped")
    assert world.requests["write_answer"][0]["failed"] == [], "a skipped task is not missing"
    if not holds:
        assert f"list.{field} {op}" in outcome.tasks[1].reason


MAIN: dict[str, Any] = {"id": "main", "type": "executor", "instruction": "main way"}
AFTER_LIST = {"depends_on": ["list"]}
ELSE: dict[str, Any] = {"id": "else", "type": "executor", "instruction": "other way"}


def on_state(op: str, value: str, task: str = "main") -> dict[str, Any]:
    return {"when": {"task": task, "field": "state", "op": op, "value": value}}


@pytest.mark.parametrize(
    ("op", "value", "runs_when"),
    [
        ("eq", "failed", {"failed"}),
        ("ne", "done", {"failed", "skipped"}),
        ("eq", "skipped", {"skipped"}),
        ("ne", "failed", {"done", "skipped"}),
        ("ne", "skipped", {"done", "failed"}),
        ("eq", "done", {"done"}),
    ],
)
@pytest.mark.parametrize("state", ["done", "failed", "skipped"])
def test_a_branch_on_the_state_of_a_task_runs_when_the_task_ended_so(
    op: str, value: str, runs_when: set[str], state: str
) -> None:
    world = World()
    world.script["ask_agent"] = [fails("main way")] if state == "failed" else []
    main = {**MAIN, "when": LIST_HAS_ITEMS} if state == "skipped" else {**MAIN, **AFTER_LIST}

    outcome, _ = achieve(world, plan(LIST, main, {**ELSE, **on_state(op, value)}))

    assert states(outcome) == {"list": "done", "main": state, "else": "done" if state in runs_when else "skipped"}
    assert outcome.status == "completed"


@pytest.mark.parametrize("type_", ["retriever", "executor", "agent"])
def test_a_branch_of_each_type_runs_when_a_search_has_failed(type_: str) -> None:
    world = World()
    world.script["retrieve_passages"] = [lambda value: REFUSED if value["text"] == "find" else None]
    branch = {"id": "else", "type": type_, "instruction": "other way", **on_state("eq", "failed", "find")}
    search = {"id": "find", "type": "retriever", "instruction": "find"}
    agent = {"agent": "translator"} if type_ == "agent" else {}

    outcome, _ = achieve(world, plan(LIST, search, {**branch, **agent}))

    assert states(outcome) == {"list": "done", "find": "failed", "else": "done"}


def test_a_branch_on_a_failure_still_needs_its_other_inputs() -> None:
    world = World()
    world.script["ask_agent"] = [fails("way")]
    other = {"id": "side", "type": "executor", "instruction": "side way"}

    outcome, _ = achieve(world, plan(LIST, MAIN, other, {**ELSE, "depends_on": ["side"], **on_state("eq", "failed")}))

    assert (outcome.tasks[3].state, outcome.tasks[3].reason) == ("skipped", "needs side, which failed")
    assert "other way" in outcome.missing


def test_a_task_joins_two_branches_of_which_one_was_taken() -> None:
    world = World()
    world.script["ask_agent"] = [fails("main way")]
    join = {"id": "join", "type": "executor", "instruction": "join", "depends_on": ["main", "else"]}

    outcome, _ = achieve(world, plan(MAIN, {**ELSE, **on_state("eq", "failed")}, join))

    assert states(outcome) == {"main": "failed", "else": "done", "join": "done"}
    assert [failed["task"] for failed in world.requests["write_answer"][0]["failed"]] == ["main"]


def test_a_branch_that_was_left_out_by_its_condition_is_not_missing() -> None:
    world = World()
    world.script["ask_agent"] = [fails("main way")]
    side = {"id": "side", "type": "executor", "instruction": "side", "when": LIST_HAS_ITEMS, "depends_on": ["main"]}

    outcome, _ = achieve(world, plan(LIST, {**MAIN, **AFTER_LIST}, {**ELSE, **on_state("eq", "skipped")}, side))

    assert states(outcome) == {"list": "done", "main": "failed", "else": "skipped", "side": "skipped"}
    assert outcome.missing == ("main way",)


def test_a_plan_whose_branch_took_a_failure_over_is_not_replaced() -> None:
    world = World()
    world.script["ask_agent"] = [fails("main way")]
    world.script["plan_goal"] = [Planned(plan=plan(MAIN, {**ELSE, **on_state("eq", "failed")}))]

    outcome, _ = achieve(world)

    assert states(outcome) == {"main": "failed", "else": "done"}
    assert len(world.requests["plan_goal"]) == 1


@pytest.mark.parametrize("field", ["score", "answer", "items", "passed", "missing"])
def test_a_condition_on_a_value_that_a_failure_left_out_names_the_failure(field: str) -> None:
    world = World()
    world.script["ask_agent"] = [fails("main way")]
    value: Any = {"score": 0.5, "passed": True, "answer": "x", "items": 1, "missing": 1}[field]
    when = {"task": "main", "field": field, "op": "ne", "value": value}

    outcome, _ = achieve(world, plan(LIST, MAIN, {**ELSE, "depends_on": ["list"], "when": when}))

    assert (outcome.tasks[2].state, outcome.tasks[2].reason) == ("skipped", "needs main, which failed")
    assert outcome.missing == ("main way", "other way")


def test_a_condition_may_test_the_number_of_passages() -> None:
    search = {"id": "s", "type": "retriever", "instruction": "find"}
    wide = {
        "id": "w",
        "type": "retriever",
        "instruction": "find more",
        "when": {"task": "s", "field": "passages", "op": "lt", "value": 3},
    }
    answer = {"id": "a", "type": "executor", "instruction": "answer", "depends_on": ["s", "w"]}

    outcome, _ = achieve(World(), plan(search, wide, answer))

    assert states(outcome) == {"s": "done", "w": "skipped", "a": "done"}


def test_an_answer_too_long_to_be_compared_says_so() -> None:
    world = World()
    large = Content(reference=Reference(artifact="t/runs/x/1", bytes=99_999))
    world.script["ask_agent"] = [
        lambda value: Draft(answer=large, passages=REFERENCE) if "list" in value["instruction"] else None
    ]
    when = {"task": "list", "field": "answer", "op": "contains", "value": "x"}

    outcome, _ = achieve(world, plan(LIST, {"id": "then", "type": "executor", "instruction": "then", "when": when}))

    assert "too long to be compared" in outcome.tasks[1].reason


def test_a_task_that_takes_too_long_fails_and_the_others_go_on() -> None:
    class Slow(World):
        def __call__(self, name: str, message: Any) -> tuple[float, Any]:
            seconds, reply = super().__call__(name, message)
            return (
                (900, reply)
                if message["value"].get("instruction") == "slow" and name == "ask_agent"
                else (seconds, reply)
            )

    slow = {"id": "slow", "type": "executor", "instruction": "slow", "timeout_seconds": 30}

    outcome, trace = achieve(Slow(), plan(LIST, slow))

    assert states(outcome) == {"list": "done", "slow": "failed"}
    assert outcome.tasks[1].reason == "task_timeout: not done after 30 s"
    assert [at for at, name, _ in trace.started if name == "write_answer"] == [31]


def test_a_task_in_time_leaves_no_timer_behind() -> None:
    outcome, trace = achieve(World(), plan({**LIST, "timeout_seconds": 3_600}))

    assert states(outcome) == {"list": "done"}
    assert trace.seconds < 60


def test_a_task_may_end_the_run() -> None:
    world = World()
    world.script["ask_agent"] = [fails("teas")]

    outcome, _ = achieve(world, plan({**LIST, "on_failure": "fail_run"}, {**LIST, "id": "b", "instruction": "b"}))

    assert outcome.status == "failed"
    assert outcome.error is not None
    assert outcome.error.code == "task_failed"
    assert "'list' failed" in outcome.error.message


def test_another_agent_takes_over() -> None:
    world = World()
    world.script["ask_agent"] = [fails("teas")]
    task = {**LIST, "on_failure": "fallback", "fallback": {"agent": "expert"}}

    outcome, _ = achieve(world, plan(task))

    assert [brief["agent"] for brief in world.requests["ask_agent"]] == ["executor", "expert"]
    assert states(outcome) == {"list": "done"}
    assert "fallback_agent" in outcome.degraded


def test_a_fixed_answer_takes_the_place_of_one_that_failed() -> None:
    world = World()
    world.script["ask_agent"] = [fails("teas")]
    task = {**LIST, "on_failure": "fallback", "fallback": {"answer": "Ask the tea master."}}

    outcome, _ = achieve(world, plan(task))

    (result,) = world.requests["write_answer"][0]["results"]
    assert result["draft"]["answer"]["text"] == "Ask the tea master."
    assert outcome.tasks[0].reason == "a fixed answer instead: model_refused: no"
    assert "fallback_answer" in outcome.degraded


def test_a_task_has_failed_when_its_fallback_agent_fails_too() -> None:
    world = World()
    world.script["ask_agent"] = [fails("teas"), fails("teas", agent="expert")]
    task = {**LIST, "on_failure": "fallback", "fallback": {"agent": "expert"}}

    outcome, _ = achieve(world, plan(task, {**LIST, "id": "b", "instruction": "b"}))

    assert states(outcome) == {"list": "failed", "b": "done"}


def test_another_plan_after_a_failure_for_good_keeps_the_results() -> None:
    world = World()
    good = {"id": "t1", "type": "executor", "instruction": "good"}
    world.script["ask_agent"] = [fails("bad")]
    world.script["plan_goal"] = [
        Planned(plan=plan(good, {"id": "t2", "type": "executor", "instruction": "bad"})),
        Planned(plan=plan(good, {"id": "t2", "type": "executor", "instruction": "another way"})),
    ]

    outcome, trace = achieve(world)

    first, second = world.requests["plan_goal"]
    assert (first["rejected"], first["done"]) == (None, [])
    assert second["rejected"] == "task t2 failed: model_refused: no"
    assert [task["id"] for task in second["done"]] == ["t1"]
    assert [brief["instruction"] for brief in world.requests["ask_agent"]] == ["good", "bad", "another way"]
    assert states(outcome) == {"t1": "done", "t2": "done"}
    statuses = [{row["id"]: row["state"] for row in status["tasks"]} for status in trace.statuses]
    assert {"t1": "done", "t2": "running"} in statuses[statuses.index({"t1": "done", "t2": "failed"}) :]


@pytest.mark.parametrize("limit", [0, 2])
def test_replanning_stops_at_its_limit(limit: int) -> None:
    world = World()
    world.script["ask_agent"] = [fails("bad")]
    tries = iter(range(100))

    def planned(_: Any) -> Planned:
        task = {"id": "t", "type": "executor", "instruction": f"bad {next(tries)}"}
        return Planned(plan=plan(task))

    world.script["plan_goal"] = [planned]

    outcome, _ = achieve(world, replan_limit=limit)

    assert len(world.requests["plan_goal"]) == 1 + limit
    assert outcome.status == "failed"


@pytest.mark.parametrize("code", ["model_unavailable", "rate_limited"])
def test_an_outage_is_no_reason_for_another_plan(code: str) -> None:
    world = World()
    world.script["ask_agent"] = [
        lambda value: Failed(code=code, message="down") if "tea" in value["instruction"] else None
    ]

    achieve(world)

    assert len(world.requests["plan_goal"]) == 1


def test_the_same_plan_is_not_executed_twice() -> None:
    world = World()
    world.script["ask_agent"] = [fails("tea")]

    achieve(world)

    assert len(world.requests["plan_goal"]) == 2
    assert len(world.requests["ask_agent"]) == 2


def test_a_plan_that_missed_the_goal_is_replaced_and_the_better_answer_kept() -> None:
    wrong = Verdict(passed=False, score=0.2, reasons=("about coffee",), plan_wrong=True)
    for after, kept in ((GOOD, "answer 2 [1]"), (Verdict(passed=False, score=0.1), "answer 1 [1]")):
        world = World()
        verdicts = iter([wrong, after])
        world.script["evaluate_result"] = [_on_the_answer(verdicts)]
        world.script["plan_goal"] = [
            Planned(plan=plan(LIST)),
            Planned(plan=plan({**LIST, "instruction": "something else"})),
        ]

        outcome, _ = achieve(world, revision_limit=0)

        assert "about coffee" in world.requests["plan_goal"][1]["rejected"]
        assert outcome.answer == kept


def _on_the_answer(verdicts: Iterator[Verdict]) -> Callable[[Any], Verdict | None]:
    return lambda value: next(verdicts) if value["instruction"] == "how hot?" else None


def test_the_callers_own_plan_is_executed_and_never_replaced() -> None:
    world = World()
    world.script["ask_agent"] = [fails("teas")]

    outcome, _ = achieve(world, plan(LIST, {**LIST, "id": "b", "instruction": "b"}))

    assert world.requests["plan_goal"] == []
    assert states(outcome) == {"list": "failed", "b": "done"}


def test_an_answer_that_never_passes_fails_the_run_when_the_options_say_so() -> None:
    world = World()
    bad = BAD.model_copy(update={"reasons": ("thin", "dull")})
    world.script["evaluate_result"] = [lambda value: bad if value["instruction"] == "how hot?" else None]

    outcome, _ = achieve(world, on_exhausted="fail", revision_limit=1)

    assert outcome.status == "failed"
    assert outcome.error is not None
    assert outcome.error.code == "revision_exhausted"
    assert outcome.error.message == "no answer passed after 1 revisions: thin; dull"
    assert outcome.answer == "answer 1 [1]", "the best there is comes along"
    assert world.requests["remember_result"] == []


def test_a_result_from_another_input_is_made_anew() -> None:
    world = World()
    after = {"id": "t2", "type": "executor", "instruction": "made from t1", "depends_on": ["t1"]}
    world.script["ask_agent"] = [fails("bad")]
    world.script["plan_goal"] = [
        Planned(plan=plan({**LIST, "id": "t1"}, after, {**LIST, "id": "t3", "instruction": "bad"})),
        Planned(plan=plan({**LIST, "id": "t1", "instruction": "other teas"}, after)),
    ]

    achieve(world)

    instructions = [brief["instruction"] for brief in world.requests["ask_agent"]]
    assert instructions.count("made from t1") == 2


PER_ITEM: dict[str, Any] = {
    "id": "per_item",
    "type": "executor",
    "instruction": "how hot is ${item}?",
    "for_each": "list",
}


def judged(world: World) -> dict[str, Any]:
    """The evaluator's question about the answer to the goal."""
    questions: list[dict[str, Any]] = [
        value for value in world.requests["evaluate_result"] if value["instruction"] == "how hot?"
    ]
    return questions[-1]


def test_refused_items_are_missing_and_writer_and_judge_are_told() -> None:
    world = World()
    world.script["ask_agent"] = [lists("green", "black", "white"), fails("black"), fails("white")]

    outcome, _ = achieve(world, plan(LIST, PER_ITEM))

    failed = [
        {"task": "per_item[2]", "instruction": "how hot is black?", "reason": "model_refused: no"},
        {"task": "per_item[3]", "instruction": "how hot is white?", "reason": "model_refused: no"},
    ]
    assert world.requests["write_answer"][0]["failed"] == failed
    assert judged(world)["failed"] == failed
    assert outcome.missing == ("how hot is black?", "how hot is white?")
    assert outcome.status == "completed"


def test_when_all_items_are_refused_each_of_them_is_missing() -> None:
    world = World()
    world.script["ask_agent"] = [lists("green", "black"), fails("how hot")]

    outcome, _ = achieve(world, plan(LIST, PER_ITEM))

    assert states(outcome) == {"list": "done", "per_item": "failed"}
    assert outcome.missing == ("how hot is green?", "how hot is black?")


def test_items_beyond_the_limit_are_missing_and_writer_and_judge_are_told() -> None:
    world = World()
    world.script["ask_agent"] = [lists(*(f"tea {number}" for number in range(1, 26)))]

    outcome, _ = achieve(world, plan(LIST, PER_ITEM))

    told = world.requests["write_answer"][0]["failed"]
    assert [task["instruction"] for task in told] == [f"tea {number}" for number in range(21, 26)]
    assert {task["task"] for task in told} == {"list"}
    assert "item 21 of a list, of which the first 20" in told[0]["reason"]
    assert judged(world)["failed"] == told
    assert outcome.missing == tuple(f"tea {number}" for number in range(21, 26))


@pytest.mark.parametrize("task", [PER_ITEM, {"id": "sum", "type": "executor", "instruction": "sum up ${list.items}"}])
def test_items_that_the_agents_step_has_cut_are_missing_where_a_task_works_on_them(task: dict[str, Any]) -> None:
    world = World()
    cut = LostItem(item="a very long tea…", reason="cut to 16 of 260 characters")
    draft = Draft(answer=Content(text="teas [1]"), passages=REFERENCE, items=("green",), lost_items=(cut,))
    world.script["ask_agent"] = [lambda value: draft if value["instruction"] == "list the teas" else None]

    outcome, _ = achieve(world, plan(LIST, task))

    told = [{"task": "list", "instruction": cut.item, "reason": cut.reason}]
    assert world.requests["evaluate_result"][0]["failed"] == told, "its own judge, too"
    assert world.requests["write_answer"][0]["failed"] == told
    assert judged(world)["failed"] == told
    assert outcome.missing == (cut.item,)


def test_a_list_that_no_task_works_on_item_by_item_has_lost_nothing() -> None:
    world = World()
    cut = LostItem(item="a very long tea…", reason="cut to 16 of 260 characters")
    draft = Draft(answer=Content(text="teas [1]"), passages=REFERENCE, items=("green",), lost_items=(cut,))
    world.script["ask_agent"] = [lambda value: draft if value["instruction"] == "list the teas" else None]

    outcome, _ = achieve(world, plan(LIST, {"id": "sum", "type": "executor", "instruction": "sum up ${list.answer}"}))

    assert outcome.missing == (), "the answer of the list is whole"


def test_a_task_for_the_items_of_a_list_that_failed_is_missing() -> None:
    world = World()
    world.script["ask_agent"] = [fails("list the teas")]
    side = {"id": "side", "type": "executor", "instruction": "side"}

    outcome, _ = achieve(world, plan(LIST, side, {**PER_ITEM, "depends_on": ["side"]}))

    assert (outcome.tasks[2].state, outcome.tasks[2].reason) == ("skipped", "needs list, which failed")
    assert outcome.missing == ("list the teas", "how hot is ${item}?")


def test_a_task_whose_condition_could_not_be_decided_is_missing() -> None:
    world = World()
    large = Content(reference=Reference(artifact="t/runs/x/1", bytes=99_999))
    world.script["ask_agent"] = [
        lambda value: Draft(answer=large, passages=REFERENCE) if "list" in value["instruction"] else None
    ]
    when = {"task": "list", "field": "answer", "op": "contains", "value": "x"}

    outcome, _ = achieve(world, plan(LIST, {**ELSE, "when": when}))

    assert outcome.missing == ("other way",)


def test_the_writers_own_missing_questions_come_first_and_nothing_twice() -> None:
    world = World()
    world.script["ask_agent"] = [lists("green", "black"), fails("black")]
    answer = Answer(answer=Content(text="80 [1]"), passages=REFERENCE, missing=("how long?", "how hot is black?"))
    world.script["write_answer"] = [answer]

    outcome, _ = achieve(world, plan(LIST, PER_ITEM))

    assert outcome.missing == ("how long?", "how hot is black?")
