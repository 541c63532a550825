"""The rules of replay, one by one."""

from datetime import UTC, datetime
from typing import Any

import pytest

from loopback.functions import protocol as wire
from loopback.functions.protocol import Event, Reply
from loopback.functions.replay.decisions import decide
from loopback.functions.replay.schedule_actions import NonDeterminism, UnknownAction

NOW = datetime(2026, 1, 1, tzinfo=UTC)
START = [wire.event(wire.ORCHESTRATOR_STARTED, NOW), wire.event(wire.EXECUTION_STARTED, NOW, Name="o", Version="")]


def call(name: str) -> dict[str, Any]:
    return {"actionType": wire.CALL_ACTIVITY, "functionName": name, "input": "null"}


def any_of(*children: dict[str, Any]) -> dict[str, Any]:
    return {"actionType": wire.WHEN_ANY, "compoundActions": list(children)}


def timer(*, cancelled: bool = False) -> dict[str, Any]:
    return {"actionType": wire.CREATE_TIMER, "fireAt": "2026-01-01T01:00:00.000000Z", "isCanceled": cancelled}


def scheduled(number: int, name: str) -> Event:
    return wire.event(wire.TASK_SCHEDULED, NOW, event_id=number, Name=name)


def completed(number: int) -> Event:
    return wire.event(wire.TASK_COMPLETED, NOW, TaskScheduledId=number, Result="1")


def reply(*actions: dict[str, Any], done: bool = False) -> Reply:
    return Reply(is_done=done, actions=actions, output=None, error=None, custom_status=None)


def names(history: list[Event], answer: Reply) -> list[str]:
    return [event.get("Name") or "timer" for event in decide(history, answer, NOW).scheduled]


def test_one_action_at_a_time() -> None:
    answer = reply(call("a"), call("b"))

    assert names(START, answer) == ["a"]
    assert names([*START, scheduled(0, "a"), completed(0)], answer) == ["b"]


def test_a_new_child_holds_up_later_actions_until_it_ends() -> None:
    history = [*START, scheduled(0, "a"), scheduled(1, "b"), completed(0), scheduled(2, "c"), completed(1)]

    assert names(history, reply(any_of(call("a"), call("b")), any_of(call("c")), any_of(call("d")))) == []


def test_a_cancelled_timer_ends_its_wait_at_once() -> None:
    history = [*START, scheduled(0, "a"), scheduled(1, "b"), completed(0)]
    answer = reply(any_of(call("a"), call("b")), any_of(call("c"), timer(cancelled=True)), any_of(call("d")))

    decisions = decide(history, answer, NOW)

    assert [event.get("Name") or "timer" for event in decisions.scheduled] == ["c", "timer", "d"]
    assert [event["EventId"] for event in decisions.scheduled] == [2, 3, 4]
    assert decisions.cancelled_timers == {3}


def test_nothing_ends_while_a_task_is_open() -> None:
    history = [*START, scheduled(0, "a"), scheduled(1, "b"), completed(0)]
    answer = reply(any_of(call("a"), call("b")), done=True)

    assert not decide(history, answer, NOW).ended
    assert decide([*history, completed(1)], answer, NOW).ended


def test_a_retry_takes_numbers_as_the_real_host_does() -> None:
    retried = {**call("a"), "actionType": wire.CALL_ACTIVITY_WITH_RETRY}
    retried["retryOptions"] = {"firstRetryIntervalInMilliseconds": 1000, "maxNumberOfAttempts": 2}
    failed = [wire.event(wire.TASK_FAILED, NOW, TaskScheduledId=number, Reason="", Details="") for number in (0, 2)]
    fired = [wire.event(wire.TIMER_FIRED, NOW, TimerId=number) for number in (1, 3)]
    timers = [wire.event(wire.TIMER_CREATED, NOW, event_id=number) for number in (1, 3)]
    history = [*START, scheduled(0, "a"), failed[0]]

    assert names(history, reply(retried)) == ["timer"]
    history += [timers[0], fired[0]]
    assert names(history, reply(retried)) == ["a"]
    history += [scheduled(2, "a"), failed[1]]
    assert names(history, reply(retried)) == ["timer"], "one more timer after the last failure"
    history += [timers[1], fired[1]]
    assert names(history, reply(retried, call("next"))) == ["next"]


def test_events_are_buffered_until_an_action_waits_for_them() -> None:
    raised = wire.event(wire.EVENT_RAISED, NOW, Name="GO", Input="1")
    wait = {"actionType": wire.WAIT_FOR_EVENT, "externalEventName": "go", "reason": "ExternalEvent"}

    assert names(START, reply(wait, call("a"))) == []
    assert names([*START, raised], reply(wait, call("a"))) == ["a"]
    assert names([*START, raised], reply(call("b"), wait, call("a"))) == ["b"]


@pytest.mark.parametrize(
    ("actions", "expected"),
    [
        ((call("other"),), "the history has activity a, the code schedules activity other"),
        ((timer(),), "the history has activity a, the code schedules timer"),
        ((), "the history has activity a, the code schedules nothing"),
    ],
)
def test_code_that_contradicts_the_history_is_noticed(actions: tuple[dict[str, Any], ...], expected: str) -> None:
    with pytest.raises(NonDeterminism, match=expected):
        decide([*START, scheduled(0, "a"), completed(0)], reply(*actions), NOW)


def test_an_action_this_host_does_not_have_is_named() -> None:
    with pytest.raises(UnknownAction, match="action 10 is not available"):
        decide(START, reply({"actionType": 10}), NOW)
