"""The records of the virtual host: an instance, a step that it scheduled, and the events that end them."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from loopback.functions import protocol as wire
from loopback.functions.protocol import Event

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
"""The moment at which every simulation begins."""
END_EVENTS = {
    wire.TASK_SCHEDULED: (wire.TASK_COMPLETED, wire.TASK_FAILED),
    wire.SUB_CREATED: (wire.SUB_COMPLETED, wire.SUB_FAILED),
}
"""The events that end what an event has begun: on success, on failure."""


@dataclass
class ScheduledStep:
    """One activity as it was scheduled, and its result. Times are seconds since `EPOCH`.

    A sub-orchestration is one as well when the host has no orchestrator of its name.
    """

    instance: str
    number: int
    """The id of the event that scheduled it."""
    kind: int
    """The type of that event."""
    episode: int
    name: str
    message: Any
    scheduled: float
    delivered: float | None = None
    result: Any = None
    """As the orchestrator gets it; an Exception when the step failed."""
    performed: int = 0
    """How often its effect happened."""


@dataclass
class Instance:
    """An orchestration with its whole history."""

    id: str
    name: str
    input: str
    """JSON."""
    parent: tuple[str, int] | None
    """The id of the parent instance, and the id of the event there that created this one."""
    history: list[Event] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)
    """The events that the SDK is sent, each as JSON."""
    inbox: list[Event] = field(default_factory=list)
    actions: list[Any] = field(default_factory=list)
    cancelled_timers: set[int] = field(default_factory=set)
    statuses: list[Any] = field(default_factory=list)
    """The custom status after each episode."""
    episode_times: list[float] = field(default_factory=list)
    episodes: int = 0
    ended: bool = False
    output: Any = None
    error: str | None = None

    @property
    def status(self) -> Any:
        """The latest custom status."""
        return self.statuses[-1] if self.statuses else None

    @property
    def results(self) -> int:
        """How many results of activities the history holds."""
        return sum(event["EventType"] in (wire.TASK_COMPLETED, wire.TASK_FAILED) for event in self.history)

    def append(self, events: list[Event]) -> None:
        """Add events to the history."""
        self.history += events
        self.sent += [json.dumps(event) for event in events if event["EventType"] not in wire.NOT_SENT]

    def reload(self) -> None:
        """Forget what was in memory, and read the history again from what was committed."""
        self.history, committed = [], json.loads(json.dumps(self.history))
        self.sent = []
        self.append(committed)


def end_event(kind: int, number: int, at: datetime, result: Any) -> Event:
    """The event that ends what the event `number` of type `kind` began; an Exception as the result is a failure."""
    completed, failed = END_EVENTS[kind]
    if isinstance(result, Exception):
        return wire.event(failed, at, TaskScheduledId=number, Reason=str(result), Details="")
    return wire.event(completed, at, TaskScheduledId=number, Result=json.dumps(result))


def lasting(action: Any) -> Any:
    """The part of an action that no later replay may change: all but whether its timers are cancelled."""
    if "compoundActions" in action:
        return [action["actionType"], *map(lasting, action["compoundActions"])]
    return {name: value for name, value in action.items() if name != "isCanceled"}
