"""External events, custom status and continue-as-new."""

from datetime import timedelta
from typing import Any

import pytest

from loopback.functions.testing import DurableHost
from tests.functions.polling import eventually
from tests.functions.semantics import EXECUTION_STARTED, TIMER_CREATED, events, output, run, scheduled, wait_for_events

EVENT_RAISED = 15


def wait_for(name: str) -> dict[str, str]:
    return {"kind": "event", "name": name}


@pytest.mark.parametrize("value", [{"a": 1}, [1, 2], 5, 0, "text", "", True, False, None])
def test_an_event_over_http_arrives_as_it_was_sent(host: DurableHost, value: Any) -> None:
    waiting = host.start("waits")
    host.wait_for_custom_status(waiting, "waiting")

    assert host.raise_event(waiting, "Go", value) == 202

    assert host.wait(waiting)["output"] == value


def test_an_event_can_arrive_before_its_wait(host: DurableHost) -> None:
    waiting = host.start("in_order", {"tasks": [wait_for("First"), wait_for("Second")]})
    host.raise_event(waiting, "Second", 2)
    host.raise_event(waiting, "First", 1)

    assert host.wait(waiting)["output"] == [1, 2]


def test_events_of_one_name_that_arrive_one_by_one_end_one_wait_each(host: DurableHost) -> None:
    waiting = host.start("in_order", {"tasks": [wait_for("E")] * 3})
    for number in range(3):
        host.raise_event(waiting, "E", number)
        wait_for_events(host, waiting, EVENT_RAISED, number + 1)

    assert host.wait(waiting)["output"] == [0, 1, 2]


def test_two_waits_of_one_name_end_last_first(host: DurableHost) -> None:
    waiting = host.start("all_of", {"tasks": [wait_for("E"), wait_for("E")]})
    for number in range(2):
        host.raise_event(waiting, "E", number)
        wait_for_events(host, waiting, EVENT_RAISED, number + 1)

    assert host.wait(waiting)["output"] == [1, 0]


@pytest.mark.parametrize(("sent", "received"), [([1], [1, 1]), ([1, 2], [2, 2])])
def test_early_events_of_one_name_are_mixed_up_by_the_sdk(
    host: DurableHost, sent: list[int], received: list[int]
) -> None:
    # Issue #507 of the SDK. Its orchestrator ends; the host, which counts events, may still wait for the second.
    waiting = host.start("waits_after_a_step", {"waits": 2})
    for number in sent:
        host.raise_event(waiting, "E", number)
        wait_for_events(host, waiting, EVENT_RAISED, number)
    host.raise_event(waiting, "Begin")
    if len(sent) == 1:
        eventually(lambda: len(events(host, waiting, EVENT_RAISED)) == 2)
        host.raise_event(waiting, "E", 9)

    assert host.wait(waiting)["output"] == received


@pytest.mark.parametrize("name", ["go", "GO"])
def test_an_event_in_another_case_is_lost_between_host_and_sdk(host: DurableHost, name: str) -> None:
    waiting = host.start("in_order", {"tasks": [wait_for("Go"), {"kind": "activity", "name": "echo"}]})
    host.raise_event(waiting, name, 1)
    eventually(lambda: events(host, waiting, EVENT_RAISED) != [])
    assert scheduled(host, waiting) == []
    assert host.status(waiting)["runtimeStatus"] == "Running"

    host.raise_event(waiting, "Go", 2)

    assert host.wait(waiting)["output"] == [2, None]


def test_an_event_against_a_timer_in_a_task_any(host: DurableHost) -> None:
    tasks = [{"kind": "timer", "seconds": 3600}, wait_for("A"), wait_for("B")]
    waiting = host.start("any_of", {"tasks": tasks, "cancel": [0]})
    eventually(lambda: events(host, waiting, TIMER_CREATED) != [])
    host.raise_event(waiting, "B", "b")

    assert host.wait(waiting)["output"] == [2, "b"]


# Custom status


def test_a_custom_status_is_shown_and_falsy_ones_are_dropped(host: DurableHost) -> None:
    # The SDK leaves falsy ones out of its answer, so that the one before stays.
    statuses: list[Any] = ["text", 0, "", {}, [], False, None, {"a": 1}, [1], 7]
    waiting, last = host.start("statuses", {"statuses": statuses}), None
    for number, status in enumerate(statuses):
        last = status or last
        if status:
            host.wait_for_custom_status(waiting, status)
        assert host.status(waiting)["customStatus"] == last
        host.raise_event(waiting, "Next")
        wait_for_events(host, waiting, EVENT_RAISED, number + 1)

    assert (ended := host.wait(waiting))["customStatus"] == 7
    assert ended["output"] == "set"


def test_a_custom_status_over_16_kb_fails_the_run(host: DurableHost) -> None:
    ended = host.start("statuses", {"statuses": ["x" * 16_385]})
    host.raise_event(ended, "Next")

    assert host.wait(ended)["runtimeStatus"] == "Failed"


# Continue as new


def test_many_executions_are_one_instance_each_with_a_fresh_history(host: DurableHost) -> None:
    ended = run(host, "rounds", {"left": 30, "ids": []})

    assert ended["output"] == 30
    assert len(host.recorded(ended["instanceId"]).events) < 6


def test_each_execution_has_an_id_of_its_own_and_the_same_creation_time(host: DurableHost) -> None:
    waiting = host.start("anew_after_a_wait")
    host.wait_for_custom_status(waiting, "first round")
    (first,) = events(host, waiting, EXECUTION_STARTED)
    created = host.status(waiting)["createdTime"]
    host.raise_event(waiting, "Go")
    host.wait_for_custom_status(waiting, "second round")
    (second,) = events(host, waiting, EXECUTION_STARTED)

    ids = [event["OrchestrationInstance"]["ExecutionId"] for event in (first, second)]
    assert len(set(ids)) == 2
    assert host.status(waiting)["createdTime"] == created
    assert host.status(waiting)["runtimeStatus"] == "Running"
    host.raise_event(waiting, "E", "over")
    assert host.wait(waiting)["output"] == "over"


@pytest.mark.parametrize("value", [{"a": [1]}, {}, None])
def test_an_execution_gets_the_input_that_the_one_before_has_set(host: DurableHost, value: Any) -> None:
    assert output(host, "anew_with", {"next": value})[1] == value


@pytest.mark.parametrize("value", [[1, 2], [], 5, 0, 1.5, "text", "", "5", True, False])
def test_an_execution_gets_an_input_that_is_no_object(host: DurableHost, value: Any) -> None:
    assert output(host, "anew_with", {"next": value})[1] == value


def test_a_loop_of_a_number_over_events(host: DurableHost) -> None:
    waiting = host.start("eternal")
    for number, total in ((3, 3), (4, 7)):
        host.raise_event(waiting, "Add", number)
        host.wait_for_custom_status(waiting, {"total": total}, seconds=0.5)
    host.raise_event(waiting, "Add", 0)

    assert host.wait(waiting)["output"] == 7


def test_an_event_that_arrives_right_after_the_decisive_one_is_carried_over(host: DurableHost) -> None:
    waiting = host.start("anew_after_a_wait")
    host.wait_for_custom_status(waiting, "first round")
    host.control(waiting, "suspend")
    host.wait(waiting, until="Suspended")
    host.raise_event(waiting, "Go")
    host.raise_event(waiting, "E", "in time")
    host.control(waiting, "resume")
    host.wait_for_custom_status(waiting, "second round")
    eventually(lambda: events(host, waiting, TIMER_CREATED) != [])
    host.advance(timedelta(hours=1))

    assert host.wait(waiting)["output"] == "in time"


def test_an_event_that_arrives_while_an_open_task_delays_the_new_execution_is_carried_over(host: DurableHost) -> None:
    waiting = host.start("anew_after_a_wait", {"leaves_a_timer": True})
    host.wait_for_custom_status(waiting, "first round")
    host.raise_event(waiting, "Go")
    host.wait_for_custom_status(waiting, "decided")
    host.raise_event(waiting, "E", "in time")
    eventually(lambda: len(events(host, waiting, EVENT_RAISED)) == 2)
    host.advance(timedelta(minutes=1))
    host.wait_for_custom_status(waiting, "second round")
    eventually(lambda: len(events(host, waiting, TIMER_CREATED)) == 1)
    host.advance(timedelta(hours=1))

    assert host.wait(waiting)["output"] == "in time"


def test_an_event_that_was_buffered_before_is_lost(host: DurableHost) -> None:
    waiting = host.start("anew_after_a_wait")
    host.raise_event(waiting, "E", "too early")
    eventually(lambda: events(host, waiting, EVENT_RAISED) != [])
    host.raise_event(waiting, "Go")
    host.wait_for_custom_status(waiting, "second round")
    eventually(lambda: events(host, waiting, TIMER_CREATED) != [])

    host.advance(timedelta(hours=1))

    assert host.wait(waiting)["output"] == "no event"


def test_a_custom_status_outlives_its_execution(host: DurableHost) -> None:
    waiting = host.start("statuses", {"statuses": ["kept"]})
    host.raise_event(waiting, "Next")

    assert host.wait(waiting)["customStatus"] == "kept"
