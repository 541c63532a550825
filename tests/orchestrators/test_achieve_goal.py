"""A goal from its plan to its outcome, with every step scripted."""

import json
from itertools import groupby
from typing import Any

import pytest

from murmuration.contracts.answers import Answer, Verdict
from murmuration.contracts.content import Content, Reference
from murmuration.contracts.goals import Budget
from murmuration.contracts.plans import Plan, Planned, Task
from murmuration.contracts.steps import Failed, Later
from murmuration.contracts.usage import Usage
from orchestrators.goal.status import STATUS_BYTES
from tests.orchestrators.world import BAD, CITATION, GOOD, REFERENCE, World, achieve, states


def test_a_goal_is_answered() -> None:
    world = World()

    outcome, trace = achieve(world)

    assert outcome.status == "completed"
    assert outcome.answer == "answer 1 [1]"
    assert outcome.citations == (CITATION,)
    assert outcome.verdict == GOOD
    assert states(outcome) == {"t1": "done", "t2": "done", "t3": "done", "t4": "done"}
    assert outcome.usage == Usage(model_calls=12, input_tokens=1_080, output_tokens=120)
    assert outcome.metadata == {"who": "me"}
    assert outcome.models == ("m",)
    assert set(outcome.prompts) == set(world.requests)
    # recall, plan, (retrieve, execute, judge) side by side, write, judge, lessons, remember: one second each
    assert trace.seconds == 9
    assert world.requests["remember_result"][0]["sources"] == ["tea.md"]


def test_each_call_of_a_step_names_the_task_it_is_for() -> None:
    _, trace = achieve(World())

    tasks = {
        step: {message["about"] for _, name, message in trace.started if name == step}
        for step in ("plan_goal", "retrieve_passages", "ask_agent", "evaluate_result", "write_answer")
    }
    assert tasks == {
        "plan_goal": {""},
        "retrieve_passages": {"t1", "t3"},
        "ask_agent": {"t2", "t4"},
        "evaluate_result": {"t2", "t4", ""},
        "write_answer": {""},
    }


def test_an_unusable_plan_goes_back_with_the_reason() -> None:
    world = World()
    world.script["plan_goal"] = [Planned(rejected="task 't9' is no task", code="unusable_plan")]

    outcome, _ = achieve(world)

    assert outcome.status == "completed"
    assert [brief["rejected"] for brief in world.requests["plan_goal"]] == [None, "task 't9' is no task"]


@pytest.mark.parametrize("code", ["unusable_plan", "unsupported_task"])
def test_a_third_unusable_plan_ends_the_run_with_its_code(code: Any) -> None:
    world = World()
    world.script["plan_goal"] = [lambda _: Planned(rejected="no good", code=code)]

    outcome, _ = achieve(world)

    assert outcome.status == "failed"
    assert outcome.error is not None
    assert outcome.error.code == code
    assert "no good" in outcome.error.message
    assert len(world.requests["plan_goal"]) == 3
    assert not world.requests["retrieve_passages"]


def test_a_failed_task_does_not_lose_the_others_and_the_writer_learns_of_it() -> None:
    world = World()
    world.script["ask_agent"] = [
        lambda value: Failed(code="model_refused", message="no") if "tea" in value["instruction"] else None
    ]

    outcome, _ = achieve(world)

    assert outcome.status == "completed"
    assert states(outcome) == {"t1": "done", "t2": "failed", "t3": "done", "t4": "done"}
    brief = world.requests["write_answer"][0]
    assert [result["task"] for result in brief["results"]] == ["t4"]
    assert [(task["task"], task["reason"]) for task in brief["failed"]] == [("t2", "model_refused: no")]


def test_a_task_whose_inputs_all_failed_is_skipped() -> None:
    world = World()
    world.script["retrieve_passages"] = [
        lambda value: Failed(code="search_refused", message="no") if "tea" in value["text"] else None
    ]

    outcome, _ = achieve(world)

    assert states(outcome) == {"t1": "failed", "t2": "skipped", "t3": "done", "t4": "done"}
    assert "needs t1, which failed" in outcome.tasks[1].reason


def test_a_run_fails_with_the_reasons_when_every_task_fails() -> None:
    world = World()
    world.script["ask_agent"] = [lambda _: Failed(code="model_refused", message="no")]

    outcome, _ = achieve(world)

    assert outcome.status == "failed"
    assert outcome.error is not None
    assert outcome.error.code == "no_task_succeeded"
    assert "t2: model_refused: no" in outcome.error.message


def test_a_draft_is_revised_as_the_verdict_asks_until_it_passes() -> None:
    world = World()
    better = Verdict(passed=False, score=0.5, changes="still more")
    world.script["evaluate_result"] = [
        lambda value: (
            None
            if "tea" not in value["instruction"]
            else {"draft 1 [1]": BAD, "draft 2 [1]": better}.get(value["draft"]["answer"]["text"])
        )
    ]

    outcome, _ = achieve(world, concurrency=1)

    task = outcome.tasks[1]
    assert task.state == "done"
    assert task.revisions == 2
    changes = [brief["changes"] for brief in world.requests["ask_agent"] if "tea" in brief["instruction"]]
    assert changes[:2] == ["", "say more"]


def test_revision_stops_at_its_limit_and_the_best_version_is_kept() -> None:
    world = World()
    scores = iter([0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9])
    world.script["evaluate_result"] = [
        lambda value: (
            Verdict(passed=False, score=next(scores), changes="more") if value["instruction"] == "how hot?" else None
        )
    ]

    outcome, _ = achieve(world, revision_limit=2)

    assert outcome.status == "completed"
    assert outcome.verdict is not None
    assert (outcome.verdict.passed, outcome.verdict.score) == (False, 0.5)
    assert outcome.revisions == 2
    assert outcome.answer == "answer 3 [1]"


def test_a_revision_that_is_worse_is_not_kept() -> None:
    world = World()
    scores = iter([0.5, 0.2, 0.9])
    world.script["evaluate_result"] = [
        lambda value: (
            Verdict(passed=False, score=next(scores), changes="more") if value["instruction"] == "how hot?" else None
        )
    ]

    outcome, _ = achieve(world)

    assert outcome.answer == "answer 1 [1]"
    assert len(world.requests["write_answer"]) == 2


def test_without_an_evaluator_the_answer_stands_and_says_so() -> None:
    world = World()
    world.script["evaluate_result"] = [lambda _: Failed(code="unusable_reply", message="no")]

    outcome, _ = achieve(world)

    assert outcome.status == "completed"
    assert outcome.verdict is None
    assert "not_evaluated" in outcome.degraded


@pytest.mark.parametrize(("step", "degraded"), [("recall_memory", "no_memory"), ("remember_result", "not_remembered")])
def test_memory_that_is_down_does_not_stop_a_run(step: str, degraded: str) -> None:
    world = World()
    world.script[step] = [lambda _: Later(code="search_unavailable")]

    outcome, _ = achieve(world)

    assert outcome.status == "completed"
    assert outcome.degraded == (degraded,)


def test_a_run_stops_at_its_budget_with_the_best_it_has() -> None:
    for calls, degraded in ((11, ("not_remembered",)), (10, ("no_lessons", "not_remembered"))):
        outcome, _ = achieve(World(), budget=Budget(model_calls=calls))

        assert outcome.status == "completed"
        assert outcome.degraded == degraded

    outcome, _ = achieve(World(), budget=Budget(model_calls=9))

    assert outcome.status == "failed"
    assert outcome.error is not None
    assert outcome.error.code == "budget_exceeded"
    assert "9 of 9 model calls" in outcome.error.message
    assert outcome.answer == "answer 1 [1]"


@pytest.mark.parametrize("limit", range(1, 11))
def test_no_run_spends_more_than_its_budget_and_one_step_per_running_task(limit: int) -> None:
    outcome, _ = achieve(World(), budget=Budget(model_calls=limit), concurrency=2)

    assert outcome.usage.model_calls <= limit + 2 - 1


def test_time_is_a_budget_too() -> None:
    outcome, _ = achieve(World(), budget=Budget(seconds=3))

    assert outcome.error is not None
    assert outcome.error.code == "budget_exceeded"


def test_the_status_of_a_run_follows_it_from_stage_to_stage() -> None:
    _, trace = achieve(World())

    statuses = [status for status in trace.statuses if status]
    stages = [stage for stage, _ in groupby(status["stage"] for status in statuses)]
    assert stages == ["recalling", "planning", "working", "writing", "remembering", "ended"]
    assert [status["tokens"] for status in statuses] == [100 * status["model_calls"] for status in statuses]
    rows = [[row["state"] for row in status["tasks"]] for status in statuses]
    assert [states for states, _ in groupby(rows)] == [
        [],
        ["running", "waiting", "running", "waiting"],
        ["done", "running", "done", "running"],
        ["done", "done", "done", "done"],
    ]


def test_the_status_of_a_run_stays_small_whatever_the_plan() -> None:
    world = World()
    tasks = tuple(Task(id=f"task-{number:027d}", type="executor", instruction="è" * 1_000) for number in range(50))
    world.script["plan_goal"] = [Planned(plan=Plan(tasks=tasks))]

    _, trace = achieve(world, concurrency=50)

    sizes = [len(json.dumps(status).encode()) for status in trace.statuses if status]
    assert max(sizes) <= STATUS_BYTES
    assert trace.statuses[-1]["stage"] == "ended"
    assert len(trace.statuses[-1]["tasks"]) == 50


def test_history_carries_references_and_not_texts() -> None:
    world = World()
    large = Content(reference=Reference(artifact="a/large", bytes=100_000))
    world.script["write_answer"] = [Answer(answer=large, passages=REFERENCE)]

    outcome, _ = achieve(world)

    assert (outcome.answer, outcome.answer_artifact) == ("", "a/large")
