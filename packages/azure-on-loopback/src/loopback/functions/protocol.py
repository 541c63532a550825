"""The out-of-process protocol of azure-functions-durable 1.7: history events, the request, the reply.

Events are dicts in the form they have on the wire. Only this module makes them.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

Event = dict[str, Any]
Action = Mapping[str, Any]

EXECUTION_STARTED = 0
TASK_SCHEDULED = 4
TASK_COMPLETED = 5
TASK_FAILED = 6
SUB_CREATED = 7
SUB_COMPLETED = 8
SUB_FAILED = 9
TIMER_CREATED = 10
TIMER_FIRED = 11
ORCHESTRATOR_STARTED = 12
ORCHESTRATOR_COMPLETED = 13
EVENT_SENT = 14
EVENT_RAISED = 15
GENERIC_EVENT = 17
EXECUTION_COMPLETED = 1
EXECUTION_TERMINATED = 3
EXECUTION_SUSPENDED = 19
EXECUTION_RESUMED = 20

EVENT_NAMES = {
    EXECUTION_STARTED: "ExecutionStarted",
    EXECUTION_COMPLETED: "ExecutionCompleted",
    EXECUTION_TERMINATED: "ExecutionTerminated",
    TASK_SCHEDULED: "TaskScheduled",
    TASK_COMPLETED: "TaskCompleted",
    TASK_FAILED: "TaskFailed",
    SUB_CREATED: "SubOrchestrationInstanceCreated",
    SUB_COMPLETED: "SubOrchestrationInstanceCompleted",
    SUB_FAILED: "SubOrchestrationInstanceFailed",
    TIMER_CREATED: "TimerCreated",
    TIMER_FIRED: "TimerFired",
    ORCHESTRATOR_STARTED: "OrchestratorStarted",
    ORCHESTRATOR_COMPLETED: "OrchestratorCompleted",
    EVENT_SENT: "EventSent",
    EVENT_RAISED: "EventRaised",
    GENERIC_EVENT: "GenericEvent",
    EXECUTION_SUSPENDED: "ExecutionSuspended",
    EXECUTION_RESUMED: "ExecutionResumed",
}
KIND_OF = {
    TASK_SCHEDULED: "activity",
    TIMER_CREATED: "timer",
    SUB_CREATED: "sub-orchestration",
    EVENT_SENT: "entity operation",
}
"""The events that record a decision, with the kind of work they begin."""
COMPLETES = {
    TASK_COMPLETED: "TaskScheduledId",
    TASK_FAILED: "TaskScheduledId",
    SUB_COMPLETED: "TaskScheduledId",
    SUB_FAILED: "TaskScheduledId",
    TIMER_FIRED: "TimerId",
}
"""The events that end such work, with their field for the number of the decision."""
FAILS = frozenset({TASK_FAILED, SUB_FAILED})
NOT_SENT = frozenset({TASK_SCHEDULED, SUB_CREATED, TIMER_CREATED, ORCHESTRATOR_COMPLETED})
"""Events that the SDK ignores. Leaving them out saves almost half of a replay's time, which goes into parsing dates."""

CALL_ACTIVITY = 0
CALL_ACTIVITY_WITH_RETRY = 1
CALL_SUB = 2
CALL_SUB_WITH_RETRY = 3
CONTINUE_AS_NEW = 4
CREATE_TIMER = 5
WAIT_FOR_EVENT = 6
CALL_ENTITY = 7
CALL_HTTP = 8
SIGNAL_ENTITY = 9
WHEN_ANY = 11
WHEN_ALL = 12

HTTP_ACTIVITY = "BuiltIn::HttpActivity"
"""The activity as which the real host schedules `call_http`."""

MISSING_FUNCTION = "The function '{}' doesn't exist, is disabled, or is not {}."
"""The extension's message; its second blank is for a kind such as "an entity function"."""

FAILURE_LABEL = "\n\n$OutOfProcData$:"


class OrchestratorFailed(Exception):
    """The orchestrator function failed in a way that the protocol has no reply for."""


@dataclass(frozen=True)
class Reply:
    """The SDK's answer: all actions from the first on, and whether the function has returned."""

    is_done: bool
    actions: Sequence[Action]
    output: Any
    error: str | None
    custom_status: Any


def failed_reply(problem: BaseException) -> Reply:
    """Stand in for the reply of an orchestrator that can't be replayed, or whose decisions can't be carried out."""
    return Reply(
        is_done=True, actions=(), output=None, error=str(problem) or type(problem).__name__, custom_status=None
    )


def timestamp(time: datetime) -> str:
    """Format a time as the wire does: UTC, to the microsecond, with a Z."""
    return time.astimezone(UTC).isoformat(timespec="microseconds")[:-6] + "Z"


def parse_timestamp(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC)


def event(kind: int, now: datetime, *, event_id: int = -1, **fields: Any) -> Event:
    """Make an event of a history; `fields` have the wire's own names."""
    return {"EventType": kind, "EventId": event_id, "IsPlayed": False, "Timestamp": timestamp(now), **fields}


def describe_decision(decision: Event) -> str:
    """Name the work that a decision begins: "activity greet", "timer"."""
    name = decision.get("InstanceId") if decision["EventType"] == EVENT_SENT else decision.get("Name")
    return f"{KIND_OF[decision['EventType']]} {name or ''}".strip()


def sent_history(history: Sequence[Event]) -> str:
    """Return the part of a history that the SDK is sent, as a JSON array."""
    return json.dumps([event for event in history if event["EventType"] not in NOT_SENT])


def request(history_json: str, *, instance: str, parent: str | None, input_json: str | None) -> str:
    """Make the body of one call of an orchestrator. `history_json` is the array of events as JSON."""
    input_text = "null" if input_json is None else json.dumps(json.loads(input_json))
    head = json.dumps({"instanceId": instance, "isReplaying": False, "parentInstanceId": parent})
    tail = (
        '"upperSchemaVersion":1,"upperSchemaVersionNew":2,"maximumShortTimerDuration":"6.00:00:00",'
        '"longRunningTimerIntervalDuration":"3.00:00:00","defaultHttpAsyncRequestSleepTimeMillseconds":30000'
    )
    return f'{head[:-1]},"input":{input_text},{tail},"history":{history_json}}}'


def ask(handle: Callable[[str], str], body: str) -> Reply:
    """Replay the orchestrator behind `handle`; raises `OrchestratorFailed` when there is no reply to read."""
    try:
        text = handle(body)
    except Exception as failure:
        message, label, data = str(failure).partition(FAILURE_LABEL)
        if not label:
            raise OrchestratorFailed(f"{type(failure).__name__}: {failure}") from failure
        answer = json.loads(data)
        answer.setdefault("error", message)
    else:
        answer = json.loads(text)
    actions = answer.get("actions") or [[]]
    return Reply(
        is_done=bool(answer.get("isDone")),
        actions=actions[0] if actions else [],
        output=answer.get("output"),
        error=answer.get("error"),
        custom_status=answer.get("customStatus"),
    )
