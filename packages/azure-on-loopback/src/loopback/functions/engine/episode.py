"""The values of an episode: the instance with its history, the messages that have arrived, and the consequences."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain

from loopback.functions import protocol as wire
from loopback.functions.protocol import Event, Reply
from loopback.functions.storage.store import ActivityTask, Instance, Message


@dataclass
class History:
    """An instance's events, and the JSON of those that the SDK is sent."""

    events: list[Event] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)

    def add(self, events: Iterable[Event], texts: Iterable[str]) -> None:
        for event, text in zip(events, texts, strict=True):
            self.events.append(event)
            if event["EventType"] not in wire.NOT_SENT:
                self.sent.append(text)


@dataclass(frozen=True, eq=False)
class LiveInstance:
    """An instance that has not ended, as it is in the store."""

    row: Instance
    history: History


@dataclass(frozen=True)
class Episode:
    """The messages that have arrived for an instance, and its history before them."""

    live: LiveInstance
    messages: Sequence[Message]
    arrived: History

    @property
    def row(self) -> Instance:
        return self.live.row

    @property
    def history(self) -> list[Event]:
        return self.live.history.events + self.arrived.events

    @property
    def request(self) -> str:
        """The body of the call of the orchestrator."""
        sent = ",".join(chain(self.live.history.sent, self.arrived.sent))
        return wire.request(f"[{sent}]", instance=self.row.id, parent=self.row.parent, input_json=self.row.input)


@dataclass
class Consequences:
    """The work that follows from a change, once it is committed."""

    activities: list[ActivityTask] = field(default_factory=list)
    instances: list[str] = field(default_factory=list)
    """Instances that have got messages."""
    entities: list[str] = field(default_factory=list)
    """Entities that have got operations."""
    first_timer: datetime | None = None
    """The time at which the first of the new timers fires."""
    ended: list[str] = field(default_factory=list)
    """Instances that have ended."""

    def add(self, other: "Consequences") -> None:
        self.activities += other.activities
        self.instances += other.instances
        self.entities += other.entities
        self.ended += other.ended
        timers = (self.first_timer, other.first_timer)
        self.first_timer = min((time for time in timers if time is not None), default=None)


def begin_history(live: LiveInstance, arrived: Sequence[tuple[Event, str]], now: datetime) -> History | None:
    """Make the events with which an episode begins; None if the instance has not been started yet."""
    if not live.history.events and all(event["EventType"] != wire.EXECUTION_STARTED for event, _ in arrived):
        return None
    started = wire.event(wire.ORCHESTRATOR_STARTED, now)
    # An event may have arrived before the start; the SDK wants the start first.
    start_first = sorted(arrived, key=lambda pair: bool(pair[0]["EventType"] != wire.EXECUTION_STARTED))
    history = History()
    history.add([started], [json.dumps(started)])
    history.add(*zip(*start_first, strict=True))
    return history


def execution_started(row: Instance, now: datetime) -> Event:
    ids = {"InstanceId": row.id, "ExecutionId": row.execution}
    parent = {"OrchestrationInstance": {"InstanceId": row.parent}} if row.parent else None
    fields = {"OrchestrationInstance": ids, "ParentInstance": parent, "Name": row.name, "Version": row.version}
    return {**wire.event(wire.EXECUTION_STARTED, now), **fields, "Input": row.input, "Tags": None}


def outcome(row: Instance, reply: Reply) -> tuple[str, str]:
    """Return the final status and output of an instance."""
    if reply.error is None:
        return "Completed", json.dumps(reply.output)
    return "Failed", json.dumps(f"Orchestrator function '{row.name}' failed: {reply.error}")


def sub_orchestration_ended(child: Instance, now: datetime) -> Event:
    """Make the event that tells the parent how its sub-orchestration has ended."""
    output = child.output or "null"
    if child.status == "Completed":
        return wire.event(wire.SUB_COMPLETED, now, TaskScheduledId=child.parent_task, Result=output)
    reason = json.loads(output)
    return wire.event(wire.SUB_FAILED, now, TaskScheduledId=child.parent_task, Reason=reason, Details="")
