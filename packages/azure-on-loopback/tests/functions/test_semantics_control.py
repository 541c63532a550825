"""Suspend, resume and terminate."""

from datetime import timedelta

from loopback.functions.testing import DurableHost
from tests.functions.polling import eventually
from tests.functions.semantics import BASE, TASK_SCHEDULED, TIMER_CREATED, TIMER_FIRED, events, scheduled

EVENT_RAISED, SUSPENDED, RESUMED = 15, 19, 20


def wait_for(name: str) -> dict[str, str]:
    return {"kind": "event", "name": name}


def test_a_suspended_run_takes_its_events_when_it_is_resumed(host: DurableHost) -> None:
    waiting = host.start("in_order", {"tasks": [wait_for("A"), {"kind": "activity", "name": "echo", "input": "b"}]})
    eventually(lambda: host.status(waiting)["runtimeStatus"] == "Running")
    assert host.control(waiting, "suspend", "wait a moment") == 202
    host.wait(waiting, until="Suspended")
    assert host.raise_event(waiting, "A", "a") == 202
    eventually(lambda: events(host, waiting, EVENT_RAISED) != [])
    assert host.status(waiting)["runtimeStatus"] == "Suspended"
    assert scheduled(host, waiting) == []

    assert host.control(waiting, "resume", "go on") == 202

    assert host.wait(waiting)["output"] == ["a", "b"]
    assert [event["EventType"] for event in events(host, waiting, SUSPENDED, RESUMED)] == [SUSPENDED, RESUMED]


def test_a_timer_that_fires_while_suspended_is_taken_after_the_resume(host: DurableHost) -> None:
    echo = {"kind": "activity", "name": "echo", "input": "after"}
    waiting = host.start("in_order", {"tasks": [{"kind": "timer", "seconds": 60}, echo]})
    eventually(lambda: events(host, waiting, TIMER_CREATED) != [])
    host.control(waiting, "suspend")
    host.wait(waiting, until="Suspended")
    host.advance(timedelta(minutes=2))
    eventually(lambda: events(host, waiting, TIMER_FIRED) != [])
    assert host.status(waiting)["runtimeStatus"] == "Suspended"
    assert events(host, waiting, TASK_SCHEDULED) == []

    host.control(waiting, "resume")

    assert host.wait(waiting)["output"] == [None, "after"]


def test_a_suspended_run_does_not_end(host: DurableHost) -> None:
    waiting = host.start("waits")
    host.wait_for_custom_status(waiting, "waiting")
    host.control(waiting, "suspend")
    host.wait(waiting, until="Suspended")
    host.raise_event(waiting, "Go", 1)
    eventually(lambda: events(host, waiting, EVENT_RAISED) != [])
    assert host.status(waiting)["runtimeStatus"] == "Suspended"

    host.control(waiting, "resume")

    assert host.wait(waiting)["output"] == 1


def test_a_run_can_be_suspended_and_resumed_again_and_again(host: DurableHost) -> None:
    waiting = host.start("waits")
    host.wait_for_custom_status(waiting, "waiting")
    for _ in range(3):
        assert host.control(waiting, "suspend") == 202
        host.wait(waiting, until="Suspended")
        assert host.control(waiting, "resume") == 202
        host.wait(waiting, until="Running")
    host.raise_event(waiting, "Go", 1)

    assert host.wait(waiting)["output"] == 1


# Terminate


def test_a_terminated_run_ends_with_the_reason_and_its_children_go_on(host: DurableHost) -> None:
    parent = host.start("one", {"kind": "sub", "name": "waits", "id": "goes-on"})
    eventually(lambda: host.call("GET", f"{BASE}/instances/goes-on").status == 202)
    host.wait_for_custom_status("goes-on", "waiting")

    assert host.control(parent, "terminate", "enough of it") == 202

    ended = host.wait(parent)
    assert (ended["runtimeStatus"], ended["output"]) == ("Terminated", "enough of it")
    assert host.status("goes-on")["runtimeStatus"] == "Running"
    host.raise_event("goes-on", "Go", "still here")
    assert host.wait("goes-on")["output"] == "still here"
    assert host.status(parent)["output"] == "enough of it"


def test_a_suspended_run_can_be_terminated(host: DurableHost) -> None:
    waiting = host.start("waits")
    host.wait_for_custom_status(waiting, "waiting")
    host.control(waiting, "suspend")
    host.wait(waiting, until="Suspended")

    assert host.control(waiting, "terminate") == 202

    assert host.wait(waiting)["runtimeStatus"] == "Terminated"
