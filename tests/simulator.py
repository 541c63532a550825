"""Runs an orchestrator on the real SDK under the real host's replay rules, in virtual time and without a store."""

import heapq
import json
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import azure.durable_functions as df

from loopback.functions import protocol as wire
from loopback.functions.protocol import Event
from loopback.functions.replay.decisions import decide

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
ROOT = Path(__file__).resolve().parents[1]
_HOST = json.loads((ROOT / "host.json").read_text(encoding="utf-8"))
VERSION: str = _HOST["extensions"]["durableTask"]["defaultVersion"]
"""Of the orchestrations: what this app gives to new runs."""
Activity = Callable[[str, Any], tuple[float, Any]]
"""(name, input) -> (seconds it takes, its result; an Exception is a failure)."""


@dataclass
class Trace:
    """What happened: `started` and `ended` hold (seconds, name, input)."""

    output: Any = None
    error: str | None = None
    seconds: float = 0.0
    episodes: int = 0
    started: list[tuple[float, str, Any]] = field(default_factory=list)
    ended: list[tuple[float, str, Any]] = field(default_factory=list)
    statuses: list[Any] = field(default_factory=list)
    history: list[Event] = field(default_factory=list)


def simulate(
    orchestrator: Callable[[df.DurableOrchestrationContext], Generator[Any, Any, Any]],
    given: Any,
    activity: Activity,
    *,
    events: Sequence[tuple[float, str, Any]] = (),
    most_episodes: int = 5_000,
) -> Trace:
    """Run to the end; raises AssertionError when it stops short of it.

    `events` are raised from outside: (seconds from the start, name, value). A sub-orchestration is ended by `activity`,
    under its name and with its input.
    """
    handle = df.Orchestrator.create(orchestrator)
    trace = Trace()
    history = trace.history
    future: list[tuple[datetime, int, Event, tuple[str, Any] | None]] = []
    order = 0
    now = EPOCH
    given_json = json.dumps(given)
    for seconds, name, value in events:
        order += 1
        due = now + timedelta(seconds=seconds)
        raised = wire.event(wire.EVENT_RAISED, due, Name=name, Input=json.dumps(value))
        heapq.heappush(future, (due, order, raised, None))
    inbox = [
        wire.event(
            wire.EXECUTION_STARTED, now, Name="simulated", Version=VERSION, Input=given_json, ParentInstance=None
        )
    ]
    while trace.episodes < most_episodes:
        trace.episodes += 1
        history += [wire.event(wire.ORCHESTRATOR_STARTED, now), *inbox]
        body = wire.request(wire.slim(history), instance="run-1", parent=None, input_json=given_json)
        reply = wire.ask(handle, body)
        decisions = decide(history, reply, now)
        trace.statuses.append(reply.custom_status)
        history += [*decisions.scheduled, wire.event(wire.ORCHESTRATOR_COMPLETED, now)]
        for each in decisions.scheduled:
            order += 1
            number = each["EventId"]
            if each["EventType"] == wire.TASK_SCHEDULED:
                work = (each["Name"], json.loads(json.loads(each["Input"])[0]))
                trace.started.append(((now - EPOCH).total_seconds(), *work))
                seconds, result = activity(*work)
                due = now + timedelta(seconds=seconds)
                result = _timed(work[1], result, now, due)
                heapq.heappush(future, (due, order, _completed(number, due, result), work))
            elif each["EventType"] == wire.SUB_CREATED:
                work = (each["Name"], json.loads(json.loads(each["Input"])))  # the SDK encodes it twice
                trace.started.append(((now - EPOCH).total_seconds(), *work))
                seconds, result = activity(*work)
                due = now + timedelta(seconds=seconds)
                heapq.heappush(future, (due, order, _sub_completed(number, due, result), work))
            elif each["EventType"] == wire.TIMER_CREATED and number not in decisions.cancelled_timers:
                due = wire.parse_timestamp(each["FireAt"])
                fired = wire.event(wire.TIMER_FIRED, due, TimerId=number, FireAt=each["FireAt"])
                heapq.heappush(future, (due, order, fired, None))
        future = [entry for entry in future if entry[2].get("TimerId") not in decisions.cancelled_timers]
        heapq.heapify(future)
        if decisions.ended:
            trace.output, trace.error = reply.output, reply.error
            trace.seconds = (now - EPOCH).total_seconds()
            return trace
        assert future, f"nothing is under way and the orchestrator has not ended after {trace.episodes} episodes"
        now = max(now, future[0][0])
        inbox = []
        while future and future[0][0] <= now:
            _, _, arrived, work_done = heapq.heappop(future)
            inbox.append(arrived)
            if work_done is not None:
                trace.ended.append(((now - EPOCH).total_seconds(), *work_done))
    raise AssertionError(f"not at its end after {most_episodes} episodes")


def _timed(call: Any, result: Any, began: datetime, ended: datetime) -> Any:
    """Say in a step's outcome what it was for and when it ran, as the runner of steps does."""
    if not (isinstance(result, dict) and "outcome" in result):
        return result
    times = {"began": began.isoformat(), "ended": ended.isoformat()}
    return {**result, "about": call["about"], "attempt": call["attempt"], **times}


def _sub_completed(number: int, due: datetime, result: Any) -> Event:
    if isinstance(result, Exception):
        return wire.event(wire.SUB_FAILED, due, TaskScheduledId=number, Reason=str(result), Details="")
    return wire.event(wire.SUB_COMPLETED, due, TaskScheduledId=number, Result=json.dumps(result))


def _completed(number: int, due: datetime, result: Any) -> Event:
    if isinstance(result, Exception):
        return wire.event(wire.TASK_FAILED, due, TaskScheduledId=number, Reason=str(result), Details="")
    return wire.event(wire.TASK_COMPLETED, due, TaskScheduledId=number, Result=json.dumps(result))
