"""The history as the management API shows it."""

from typing import Any

import pytest

from loopback.functions.testing import DurableHost
from tests.functions.semantics import BASE, run, until


def history(host: DurableHost, instance: str, query: str = "showHistory=true&showHistoryOutput=true") -> Any:
    return host.call("GET", f"{BASE}/instances/{instance}?{query}").json.get("historyEvents")


def names(rows: list[dict[str, Any]]) -> list[str]:
    return [row["EventType"] for row in rows]


@pytest.mark.parametrize("query", ["", "showHistory=false", "showHistoryOutput=true"])
def test_a_history_is_shown_only_if_asked_for(host: DurableHost, query: str) -> None:
    assert history(host, run(host, "gets_kind", {})["instanceId"], query) is None


def test_rows_merge_what_was_scheduled_with_how_it_ended(host: DurableHost) -> None:
    instance = run(host, "gets_kind", {"a": 1})["instanceId"]
    began, ended, over = history(host, instance)

    assert names([began, ended, over]) == ["ExecutionStarted", "TaskCompleted", "ExecutionCompleted"]
    assert began["FunctionName"] == "gets_kind"
    assert (ended["FunctionName"], ended["Result"]) == ("echo", {"a": 1})
    assert ended["ScheduledTime"] <= ended["Timestamp"]
    assert (over["OrchestrationStatus"], over["Result"]) == ("Completed", ["dict", {"a": 1}])


def test_results_are_left_out_unless_asked_for(host: DurableHost) -> None:
    instance = run(host, "gets_kind", {"a": 1})["instanceId"]

    assert not any("Result" in event for event in history(host, instance, "showHistory=true"))


@pytest.mark.parametrize(
    ("task", "row", "more"),
    [
        ({"kind": "activity", "name": "fail", "given": "f"}, "TaskFailed", {"FunctionName": "fail"}),
        ({"kind": "sub", "name": "gets"}, "SubOrchestrationInstanceCompleted", {"FunctionName": "gets"}),
        ({"kind": "sub", "name": "raises"}, "SubOrchestrationInstanceFailed", {"FunctionName": "raises"}),
        ({"kind": "timer", "seconds": 0}, "TimerFired", {}),
        ({"kind": "call", "entity": ["box", "h"], "op": "get"}, "EventSent", {}),
    ],
    ids=lambda each: each.get("kind", "") if isinstance(each, dict) else each,
)
def test_every_kind_of_step_has_its_row(
    host: DurableHost, task: dict[str, Any], row: str, more: dict[str, str]
) -> None:
    rows = history(host, run(host, "one_caught", task)["instanceId"])

    found = next(each for each in rows if each["EventType"] == row)
    assert {name: found[name] for name in more} == more
    assert names(rows)[0::1][0] == "ExecutionStarted"
    assert names(rows)[-1] == "ExecutionCompleted"
    assert not {"OrchestratorStarted", "OrchestratorCompleted"} & set(names(rows))
    if row.endswith("Failed"):
        assert found["Reason"]


def test_what_is_under_way_is_shown_as_scheduled(host: DurableHost) -> None:
    instance = host.start("one", {"kind": "sub", "name": "waits", "id": "under-way"})
    until(lambda: len(history(host, instance)) == 2)

    began = history(host, instance)[1]
    assert (began["EventType"], began["Name"]) == ("SubOrchestrationInstanceCreated", "waits")
    host.raise_event(instance, "Odd", {"a": 1})
    until(lambda: "EventRaised" in names(history(host, instance)))
