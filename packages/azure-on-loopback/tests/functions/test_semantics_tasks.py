"""Activities, retries and sub-orchestrations run as on Azure's host."""

import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from loopback.functions.testing import DurableHost
from tests.functions.polling import eventually
from tests.functions.semantics import (
    BASE,
    EXECUTION_STARTED,
    SUB_CREATED,
    SUB_FAILED,
    TASK_COMPLETED,
    TASK_FAILED,
    TASK_SCHEDULED,
    TIMER_CREATED,
    TIMER_FIRED,
    events,
    failure,
    lines,
    output,
    run,
    scheduled,
)

VALUES = [{"a": 1}, [1, "b"], 5, 0, 1.5, "text", "", "5", True, False, None, "2026-01-01T00:00:00Z", "ü€𝄞"]
NOT_DICTS = [value for value in VALUES if value is not None and not isinstance(value, dict)]


@pytest.mark.parametrize("value", VALUES)
def test_an_activity_gets_its_input_and_returns_its_result(host: DurableHost, value: Any) -> None:
    assert output(host, "calls", {"name": "echo", "input": value}) == value


def test_an_activitys_input_is_an_array_of_one_string(host: DurableHost) -> None:
    ended = run(host, "calls", {"name": "echo", "input": {"a": 1}})

    (event,) = events(host, ended["instanceId"], TASK_SCHEDULED)
    assert json.loads(event["Input"]) == ['{"a": 1}']


def test_the_raw_history_is_numbered_and_named(host: DurableHost) -> None:
    ended = run(host, "calls", {"name": "echo", "input": 7})

    history = host.recorded(ended["instanceId"]).events
    assert [event["EventType"] for event in history] == [12, 0, 4, 13, 12, 5, 1, 13]
    assert (history[2]["Name"], history[2]["EventId"]) == ("echo", 0)
    assert (history[5]["TaskScheduledId"], history[5]["Result"]) == (0, "7")
    for event in history:
        assert {"EventType", "EventId", "IsPlayed", "Timestamp"} <= event.keys()
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", event["Timestamp"])


def test_a_failed_activity_fails_the_run_with_its_reason(host: DurableHost) -> None:
    text = failure(host, "calls", {"name": "fail", "input": "oh"})

    assert text.startswith("Orchestrator function 'calls' failed: Activity function 'fail' failed: ")
    assert "ValueError: oh" in text


def test_an_unknown_activity_fails_its_call(host: DurableHost) -> None:
    text = output(host, "one_caught", {"kind": "activity", "name": "nobody"})

    assert "The function 'nobody' doesn't exist, is disabled, or is not an activity function" in text


def test_an_activitys_result_that_is_not_json_fails_its_call(host: DurableHost) -> None:
    assert "caught" in output(host, "one_caught", {"kind": "activity", "name": "unserialisable"})


@pytest.mark.parametrize(("name", "text"), [("returns_a_set", "not JSON serializable"), ("raises", "on purpose")])
def test_an_orchestrator_that_breaks_fails_with_its_name(host: DurableHost, name: str, text: str) -> None:
    message = failure(host, name)

    assert message.startswith(f"Orchestrator function '{name}' failed: ")
    assert text in message


def test_an_orchestrator_need_not_be_a_generator(host: DurableHost) -> None:
    assert output(host, "no_generator") == "returned at once"


def test_a_task_can_be_yielded_twice_and_runs_once(host: DurableHost) -> None:
    ended = run(host, "yields_twice")

    assert ended["output"] == ["same", "same"]
    assert scheduled(host, ended["instanceId"]) == [(TASK_SCHEDULED, 0)]


def test_a_task_that_is_not_yielded_is_not_scheduled(host: DurableHost) -> None:
    ended = run(host, "never_yields")

    assert ended["output"] == "the only one"
    assert scheduled(host, ended["instanceId"]) == [(TASK_SCHEDULED, 0)]


# Retries


@pytest.mark.parametrize(
    ("fails", "attempts", "ran", "timers"), [(0, 3, 1, 0), (1, 3, 2, 1), (2, 3, 3, 2), (9, 3, 3, 3), (9, 1, 1, 1)]
)
@pytest.mark.parametrize("kind", ["retried", "retried sub"])
def test_a_retry_stops_at_its_limit_and_ends_with_one_more_timer(
    host: DurableHost, tmp_path: Path, kind: str, fails: int, attempts: int, ran: int, timers: int
) -> None:
    name = "counted_sub" if kind == "retried sub" else "counted"
    value = {"path": str(tmp_path / "log"), "fails": fails}
    ended = run(host, "one_caught", {"kind": kind, "name": name, "input": value, "attempts": attempts})

    assert len(lines(tmp_path / "log")) == ran
    assert ended["output"].endswith(f"attempt {ran}") or f"attempt {ran}" in ended["output"]
    assert ended["output"].startswith("caught") == (fails >= attempts)
    task = SUB_CREATED if kind == "retried sub" else TASK_SCHEDULED
    expected = [(TIMER_CREATED if number % 2 else task, number) for number in range(ran + timers)]
    assert scheduled(host, ended["instanceId"]) == expected
    assert len(events(host, ended["instanceId"], TIMER_FIRED)) == timers


def test_a_retry_pauses_before_the_next_attempt(host: DurableHost, tmp_path: Path) -> None:
    value = {"path": str(tmp_path / "log"), "fails": 1}
    task = {"kind": "retried", "name": "counted", "input": value, "attempts": 2, "pause": 3_600_000}
    waiting = host.start("one", task)
    eventually(lambda: events(host, waiting, TIMER_CREATED) != [])
    (failed,) = events(host, waiting, TASK_FAILED)
    (timer,) = events(host, waiting, TIMER_CREATED)

    assert host.status(waiting)["runtimeStatus"] == "Running"
    assert _hours(failed["Timestamp"], timer["FireAt"]) == pytest.approx(1, abs=0.01)
    host.control(waiting, "terminate", "enough")


def _hours(first: str, last: str) -> float:
    return (datetime.fromisoformat(last) - datetime.fromisoformat(first)).total_seconds() / 3600


@pytest.mark.parametrize("attempts", [2, 3])
def test_a_retry_that_fails_in_a_task_all_fails_it(host: DurableHost, tmp_path: Path, attempts: int) -> None:
    retried = {"kind": "retried", "name": "counted", "attempts": attempts}
    retried |= {"input": {"path": str(tmp_path / "log"), "fails": 9}}
    tasks = [{"kind": "activity", "name": "echo", "input": 1}, retried, retried | {"name": "echo"}]

    assert f"attempt {attempts}" in output(host, "all_of", {"tasks": tasks, "more": True})
    assert len(lines(tmp_path / "log")) == attempts


def test_retries_that_succeed_in_a_task_all_return_their_results(host: DurableHost, tmp_path: Path) -> None:
    tasks = [
        {"kind": "retried", "name": "counted", "attempts": 5, "input": {"path": str(tmp_path / name), "fails": fails}}
        for name, fails in (("a", 2), ("b", 0), ("c", 1))
    ]

    assert output(host, "all_of", {"tasks": tasks, "more": True}) == ["attempt 3", "attempt 1", "attempt 2"]


@pytest.mark.parametrize("fails", [1, 9])
def test_a_retry_in_a_task_any_wins_when_it_has_ended(host: DurableHost, tmp_path: Path, fails: int) -> None:
    retried = {"kind": "retried", "name": "counted", "attempts": 2}
    retried |= {"input": {"path": str(tmp_path / "log"), "fails": fails}}
    tasks = [{"kind": "event", "name": "Never"}, retried]

    index, result = output(host, "any_of", {"tasks": tasks, "more": True})

    assert index == 1
    assert "attempt 2" in result
    assert result.startswith("failed") == (fails == 9)


# Sub-orchestrations


@pytest.mark.parametrize("kind", ["sub", "retried sub"])
@pytest.mark.parametrize("value", [{"a": {"b": []}}, None])
def test_a_sub_orchestration_gets_its_input(host: DurableHost, kind: str, value: Any) -> None:
    assert output(host, "one", {"kind": kind, "name": "gets_kind", "input": value})[1] == value


@pytest.mark.parametrize("kind", ["sub", "retried sub"])
@pytest.mark.parametrize("value", NOT_DICTS)
def test_a_sub_orchestration_gets_an_input_that_is_no_object(host: DurableHost, kind: str, value: Any) -> None:
    assert output(host, "one", {"kind": kind, "name": "gets_kind", "input": value})[1] == value


def test_a_child_has_the_id_that_its_parent_chose_and_knows_its_parent(host: DurableHost) -> None:
    ended = run(host, "one", {"kind": "sub", "name": "about_itself", "id": "own-id"})

    assert ended["output"]["id"] == "own-id"
    assert ended["output"]["parent"] == ended["instanceId"]
    assert host.status("own-id")["runtimeStatus"] == "Completed"


def test_a_derived_id_is_made_of_the_execution_and_the_task(host: DurableHost) -> None:
    tasks = [{"kind": "activity", "name": "echo"}] * 10 + [{"kind": "sub", "name": "about_itself"}]
    ended = run(host, "in_order", {"tasks": tasks})

    (started,) = events(host, ended["instanceId"], EXECUTION_STARTED)
    assert ended["output"][10]["id"] == f"{started['OrchestrationInstance']['ExecutionId']}:10"


def test_derived_ids_differ_and_their_runs_have_a_status(host: DurableHost) -> None:
    ended = run(host, "all_of", {"tasks": [{"kind": "sub", "name": "about_itself"}] * 3})

    children = [child["id"] for child in ended["output"]]
    (started,) = events(host, ended["instanceId"], EXECUTION_STARTED)
    assert len(set(children)) == 3
    assert all(child.startswith(started["OrchestrationInstance"]["ExecutionId"] + ":") for child in children)
    assert [host.status(child)["runtimeStatus"] for child in children] == ["Completed"] * 3


def test_a_failed_child_fails_its_call(host: DurableHost) -> None:
    ended = run(host, "one_caught", {"kind": "sub", "name": "raises", "id": "failed-child"})

    assert "Orchestrator function 'raises' failed: on purpose" in ended["output"]
    assert len(events(host, ended["instanceId"], SUB_FAILED)) == 1
    assert host.status("failed-child")["runtimeStatus"] == "Failed"


def test_an_unknown_sub_orchestrator_fails_its_call(host: DurableHost) -> None:
    assert "'nobody'" in output(host, "one_caught", {"kind": "sub", "name": "nobody"})


def test_a_terminated_child_fails_its_call_with_the_reason(host: DurableHost) -> None:
    parent = host.start("one_caught", {"kind": "sub", "name": "waits", "id": "to-terminate"})
    eventually(lambda: host.call("GET", f"{BASE}/instances/to-terminate").status == 202)
    assert host.control("to-terminate", "terminate", "not needed") == 202

    assert "not needed" in host.wait(parent)["output"]
    assert len(events(host, parent, SUB_FAILED)) == 1


def test_every_attempt_of_a_sub_orchestration_is_a_run_of_its_own(host: DurableHost, tmp_path: Path) -> None:
    value = {"path": str(tmp_path / "log"), "fails": 2}
    ended = run(host, "one", {"kind": "retried sub", "name": "counted_sub", "input": value, "attempts": 3})

    children = [event["InstanceId"] for event in events(host, ended["instanceId"], SUB_CREATED)]
    assert [host.status(child)["runtimeStatus"] for child in children] == ["Failed", "Failed", "Completed"]


def test_a_sub_orchestration_can_be_retried_under_one_id(host: DurableHost, tmp_path: Path) -> None:
    value = {"path": str(tmp_path / "log"), "fails": 1}
    task = {"kind": "retried sub", "name": "counted_sub", "input": value, "attempts": 2, "id": "same-child"}

    assert output(host, "one", task) == "attempt 2"
    assert len(events(host, "same-child", TASK_COMPLETED)) == 1
