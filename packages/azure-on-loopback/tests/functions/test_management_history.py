"""The history as the management API shows it."""

from typing import Any

import pytest

from loopback.functions.testing import DurableHost
from tests.functions.polling import eventually
from tests.functions.semantics import BASE, run


def history(host: DurableHost, instance: str, query: str = "showHistory=true&showHistoryOutput=true") -> Any:
    return host.call("GET", f"{BASE}/instances/{instance}?{query}").json.get("historyEvents")


def names(rows: list[dict[str, Any]]) -> list[str]:
    return [row["EventType"] for row in rows]


@pytest.mark.parametrize("query", ["", "showHistory=false", "showHistoryOutput=true"])
def test_a_history_is_shown_only_if_asked_for(host: DurableHost, query: str) -> None:
    assert history(host, run(host, "gets_kind", {})["instanceId"], query) is None


def test_a_row_has_the_beginning_and_the_end_of_a_task(host: DurableHost) -> None:
    instance = run(host, "gets_kind", {"a": 1})["instanceId"]
    began, task, ended = history(host, instance)

    assert names([began, task, ended]) == ["ExecutionStarted", "TaskCompleted", "ExecutionCompleted"]
    assert began["FunctionName"] == "gets_kind"
    assert (task["FunctionName"], task["Result"]) == ("echo", {"a": 1})
    assert task["ScheduledTime"] <= task["Timestamp"]
    assert (ended["OrchestrationStatus"], ended["Result"]) == ("Completed", ["dict", {"a": 1}])


def test_results_are_left_out_unless_asked_for(host: DurableHost) -> None:
    instance = run(host, "gets_kind", {"a": 1})["instanceId"]

    assert not any("Result" in event for event in history(host, instance, "showHistory=true"))


@pytest.mark.parametrize(
    ("task", "kind", "fields"),
    [
        ({"kind": "activity", "name": "fail", "input": "f"}, "TaskFailed", {"FunctionName": "fail"}),
        ({"kind": "sub", "name": "gets"}, "SubOrchestrationInstanceCompleted", {"FunctionName": "gets"}),
        ({"kind": "sub", "name": "raises"}, "SubOrchestrationInstanceFailed", {"FunctionName": "raises"}),
        ({"kind": "timer", "seconds": 0}, "TimerFired", {}),
        ({"kind": "call", "entity": ["box", "h"], "op": "get"}, "EventSent", {}),
    ],
    ids=lambda value: value.get("kind", "") if isinstance(value, dict) else value,
)
def test_every_kind_of_step_has_its_row(
    host: DurableHost, task: dict[str, Any], kind: str, fields: dict[str, str]
) -> None:
    rows = history(host, run(host, "one_caught", task)["instanceId"])

    row = next(row for row in rows if row["EventType"] == kind)
    assert {name: row[name] for name in fields} == fields
    assert names(rows)[0] == "ExecutionStarted"
    assert names(rows)[-1] == "ExecutionCompleted"
    assert not {"OrchestratorStarted", "OrchestratorCompleted"} & set(names(rows))
    if kind.endswith("Failed"):
        assert row["Reason"]


def test_an_open_task_is_shown_as_scheduled(host: DurableHost) -> None:
    instance = host.start("one", {"kind": "sub", "name": "waits", "id": "under-way"})
    eventually(lambda: len(history(host, instance)) == 2)

    began = history(host, instance)[1]
    assert (began["EventType"], began["Name"]) == ("SubOrchestrationInstanceCreated", "waits")
    host.raise_event(instance, "Odd", {"a": 1})
    eventually(lambda: "EventRaised" in names(history(host, instance)))
