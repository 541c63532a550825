"""`task_all`, `task_any`, timers, the end of a run, and replay."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from loopback.functions.testing import DurableHost
from tests.functions.polling import eventually
from tests.functions.semantics import (
    TASK_COMPLETED,
    TASK_SCHEDULED,
    TIMER_CREATED,
    TIMER_FIRED,
    events,
    output,
    run,
    scheduled,
    wait_for_events,
)

ECHO = {"kind": "activity", "name": "echo", "input": "echoed"}
FAIL = {"kind": "activity", "name": "fail", "input": "failed"}
SUB = {"kind": "sub", "name": "about_itself"}
BROKEN_SUB = {"kind": "sub", "name": "raises"}
SOON = {"kind": "timer", "seconds": 0.01}
LATE = {"kind": "timer", "seconds": 3600}
NEVER = {"kind": "event", "name": "Never"}
CALL = {"kind": "call", "entity": ["box", "together"], "op": "get"}
QUICK: dict[str, dict[str, Any]] = {
    "echo": ECHO,
    "sub": SUB,
    "timer": SOON,
    "call": CALL,
    "retried": ECHO | {"kind": "retried"},
}


@pytest.mark.parametrize("first", QUICK)
@pytest.mark.parametrize("second", QUICK)
def test_task_all_returns_the_results_in_the_order_of_its_tasks(host: DurableHost, first: str, second: str) -> None:
    expected: dict[str, Any] = {"echo": "echoed", "retried": "echoed", "timer": None, "call": []}
    results = output(host, "all_of", {"tasks": [QUICK[first], QUICK[second]], "more": True})

    for name, result in zip((first, second), results, strict=True):
        assert "parent" in result if name == "sub" else result == expected[name]


def test_task_all_of_nothing_goes_on_at_once(host: DurableHost) -> None:
    assert run(host, "all_of", {"tasks": [], "more": True})["runtimeStatus"] == "Completed"


@pytest.mark.parametrize("broken", [FAIL, BROKEN_SUB], ids=["activity", "sub"])
def test_task_all_raises_the_first_failure(host: DurableHost, broken: dict[str, Any]) -> None:
    text = output(host, "all_of", {"tasks": [ECHO, broken, ECHO]})

    assert text.startswith("caught ")
    assert "failed" in text


def test_after_a_failure_in_task_all_nothing_is_scheduled_until_all_have_ended(host: DurableHost) -> None:
    waiting = host.start("all_of", {"tasks": [FAIL, {"kind": "event", "name": "Go"}], "more": True})
    host.wait_for_custom_status(waiting, "got all")
    assert scheduled(host, waiting) == [(TASK_SCHEDULED, 0)]

    assert host.raise_event(waiting, "Go") == 202

    host.wait(waiting)
    assert scheduled(host, waiting) == [(TASK_SCHEDULED, 0), (TASK_SCHEDULED, 1)]


@pytest.mark.parametrize("winner", QUICK)
@pytest.mark.parametrize("index", [0, 1])
def test_task_any_is_won_by_the_first_that_ends(host: DurableHost, winner: str, index: int) -> None:
    tasks: list[dict[str, Any]] = [NEVER]
    tasks.insert(index, QUICK[winner])

    assert output(host, "any_of", {"tasks": tasks, "more": True})[0] == index


@pytest.mark.parametrize("broken", [FAIL, BROKEN_SUB], ids=["activity", "sub"])
def test_a_failure_wins_a_task_any_without_raising(host: DurableHost, broken: dict[str, Any]) -> None:
    index, result = output(host, "any_of", {"tasks": [NEVER, broken]})

    assert (index, result.startswith("failed ")) == (1, True)


def test_after_a_task_any_the_next_step_is_scheduled_while_the_loser_is_open(host: DurableHost) -> None:
    waiting = host.start("any_of", {"tasks": [LATE, ECHO], "more": True})
    eventually(lambda: len(scheduled(host, waiting)) == 3)

    assert scheduled(host, waiting) == [(TIMER_CREATED, 0), (TASK_SCHEDULED, 1), (TASK_SCHEDULED, 2)]
    assert host.status(waiting)["runtimeStatus"] == "Running"
    host.control(waiting, "terminate")


# The end of a run


def test_a_run_goes_on_while_an_uncancelled_timer_is_open(host: DurableHost) -> None:
    waiting = host.start("any_of", {"tasks": [ECHO, LATE]})
    host.wait_for_custom_status(waiting, "got any")
    status = host.status(waiting)
    assert (status["runtimeStatus"], status["output"]) == ("Running", None)

    host.advance(timedelta(hours=1))

    assert host.wait(waiting)["output"] == [0, "echoed"]
    assert len(events(host, waiting, TIMER_FIRED)) == 1


def test_a_cancelled_timer_delays_nothing_and_never_fires(host: DurableHost) -> None:
    ended = run(host, "any_of", {"tasks": [ECHO, LATE, LATE], "cancel": [1, 2]})
    host.advance(timedelta(hours=2))

    assert ended["output"] == [0, "echoed"]
    assert len(events(host, ended["instanceId"], TIMER_CREATED)) == 2
    assert events(host, ended["instanceId"], TIMER_FIRED) == []


def test_a_run_goes_on_while_a_sub_orchestration_is_open(host: DurableHost) -> None:
    child = {"kind": "sub", "name": "waits", "id": "open-child"}
    waiting = host.start("any_of", {"tasks": [child, ECHO]})
    host.wait_for_custom_status(waiting, "got any")
    host.wait_for_custom_status("open-child", "waiting")
    assert host.status(waiting)["runtimeStatus"] == "Running"

    assert host.raise_event("open-child", "Go", 1) == 202

    assert host.wait(waiting)["output"] == [1, "echoed"]


def test_a_wait_for_an_event_does_not_delay_the_end(host: DurableHost) -> None:
    assert output(host, "any_of", {"tasks": [NEVER, ECHO]}) == [1, "echoed"]


def test_a_task_all_that_waits_for_an_event_delays_the_end(host: DurableHost) -> None:
    waiting = host.start("all_of", {"tasks": [FAIL, {"kind": "event", "name": "Go"}]})
    host.wait_for_custom_status(waiting, "got all")
    assert host.status(waiting)["runtimeStatus"] == "Running"

    host.raise_event(waiting, "Go")

    assert host.wait(waiting)["output"].startswith("caught")


def test_an_input_of_a_megabyte_is_taken(host: DurableHost) -> None:
    assert output(host, "gets_kind", {"text": "ü" * 1_000_000})[1]["text"].endswith("ü")


# Timers


@pytest.mark.parametrize("seconds", [-5, 0, 0.02])
def test_a_timer_fires_when_it_is_due(host: DurableHost, seconds: float) -> None:
    assert max(0.0, seconds) <= output(host, "sleeps", {"seconds": seconds}) < max(0, seconds) + 5


def test_a_timer_with_a_time_zone_fires(host: DurableHost) -> None:
    yesterday = (datetime.now(UTC) - timedelta(days=1)).isoformat()

    assert output(host, "sleeps_until", {"time": yesterday}) == "awake"


def test_a_timer_does_not_fire_before_it_is_due(host: DurableHost) -> None:
    waiting = host.start("sleeps", {"seconds": 86400})
    eventually(lambda: events(host, waiting, TIMER_CREATED) != [])
    host.advance(timedelta(hours=23))
    host.wait(host.start("calls", {"name": "echo"}))
    assert host.status(waiting)["runtimeStatus"] == "Running"

    host.advance(timedelta(hours=1))

    assert host.wait(waiting)["output"] >= 86400
    (created,), (fired,) = (events(host, waiting, kind) for kind in (TIMER_CREATED, TIMER_FIRED))
    assert (fired["TimerId"], fired["FireAt"]) == (created["EventId"], created["FireAt"])


@pytest.mark.parametrize(("days", "timers"), [(6, 1), (7, 2), (10, 3), (20, 6)])
def test_a_timer_over_six_days_is_made_of_timers_of_three(host: DurableHost, days: int, timers: int) -> None:
    waiting = host.start("sleeps", {"seconds": days * 86400})
    for _ in range(days):
        _wait_for_sleep(host, waiting)
        host.advance(timedelta(days=1))
        due = [event for event in events(host, waiting, TIMER_CREATED) if event["FireAt"] < _now(host)]
        wait_for_events(host, waiting, TIMER_FIRED, len(due))
    ended = host.wait(waiting)

    assert ended["output"] >= days * 86400
    assert len(events(host, waiting, TIMER_FIRED)) == timers


def test_a_timer_over_six_days_is_not_really_cancelled(host: DurableHost) -> None:
    # Issue #573 of the SDK: the part that is set has not been cancelled.
    waiting = host.start("any_of", {"tasks": [ECHO, {"kind": "timer", "seconds": 7 * 86400}], "cancel": [1]})
    host.wait_for_custom_status(waiting, "got any")
    assert host.status(waiting)["runtimeStatus"] == "Running"

    host.control(waiting, "terminate")


def _wait_for_sleep(host: DurableHost, instance: str) -> None:
    """Return as soon as a timer is open, or none is needed any more."""
    fired = len(events(host, instance, TIMER_FIRED))
    eventually(
        lambda: (
            len(events(host, instance, TIMER_CREATED)) > fired or host.status(instance)["runtimeStatus"] == "Completed"
        )
    )


def _now(host: DurableHost) -> str:
    """Return the host's time: that of the first event of a new run."""
    ended = run(host, "no_generator")
    return str(host.recorded(ended["instanceId"]).events[0]["Timestamp"])


def test_the_first_of_several_timers_wins(host: DurableHost) -> None:
    tasks = [LATE, {"kind": "timer", "seconds": 60}, {"kind": "timer", "seconds": 120}]
    waiting = host.start("any_of", {"tasks": tasks, "cancel": [0, 2], "more": True})
    eventually(lambda: len(events(host, waiting, TIMER_CREATED)) == 3)

    host.advance(timedelta(minutes=1))

    assert host.wait(waiting)["output"] == [1, None]
    assert [event["TimerId"] for event in events(host, waiting, TIMER_FIRED)] == [1]


def test_timers_that_are_due_at_once_fire_in_their_order(host: DurableHost) -> None:
    tasks = [{"kind": "timer", "seconds": seconds} for seconds in (30, 10, 20)]
    waiting = host.start("all_of", {"tasks": tasks})
    eventually(lambda: len(events(host, waiting, TIMER_CREATED)) == 3)

    host.advance(timedelta(minutes=1))

    assert host.wait(waiting)["output"] == [None, None, None]
    assert [event["TimerId"] for event in events(host, waiting, TIMER_FIRED)] == [1, 2, 0]


# Replay


def test_ids_and_times_stay_the_same_over_replays(host: DurableHost) -> None:
    waiting, seen = host.start("ids_and_times"), []
    for number in range(3):
        wait_for_events(host, waiting, TASK_COMPLETED, number + 1)
        seen.append(host.status(waiting)["customStatus"]["seen"])
        host.raise_event(waiting, f"go{number}")
    last = host.wait(waiting)["output"]

    assert [rows == last[: len(rows)] for rows in seen] == [True] * 3
    ids = [new_id for row in last for new_id in row[:2]]
    assert len(set(ids)) == len(ids)
    times = [row[2] for row in last]
    assert times == sorted(times)
    started = [event["Timestamp"][:19] for event in events(host, waiting, 12)]
    assert all(time[:19] in started for time in times)


def test_only_new_code_is_not_replaying(host: DurableHost) -> None:
    assert output(host, "replaying") == [True, True, False]


def test_an_activity_does_not_run_again_in_a_replay(host: DurableHost, tmp_path: Path) -> None:
    task = {"kind": "activity", "name": "counted", "input": {"path": str(tmp_path / "log"), "fails": 0}}

    assert output(host, "in_order", {"tasks": [task] * 3}) == ["attempt 1", "attempt 2", "attempt 3"]
