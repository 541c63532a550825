"""What an episode is made of: the instance with its history, what has arrived, and what follows. Values alone."""

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
class Live:
    """An instance under way, as it is in the store."""

    row: Instance
    history: History


@dataclass(frozen=True)
class Episode:
    """What has arrived for an instance, and its history before."""

    live: Live
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
    """Those that have messages now."""
    entities: list[str] = field(default_factory=list)
    """Those that have operations now."""
    due: datetime | None = None
    """When the first of its new timers fires."""
    over: list[str] = field(default_factory=list)
    """Instances that have ended."""

    def add(self, other: "Consequences") -> None:
        self.activities += other.activities
        self.instances += other.instances
        self.entities += other.entities
        self.over += other.over
        self.due = min((each for each in (self.due, other.due) if each is not None), default=None)


def after_the_start(pair: tuple[Event, str]) -> bool:
    return bool(pair[0]["EventType"] != wire.EXECUTION_STARTED)


def execution_started(row: Instance, now: datetime) -> Event:
    where = {"InstanceId": row.id, "ExecutionId": row.execution}
    parent = {"OrchestrationInstance": {"InstanceId": row.parent}} if row.parent else None
    fields = {"OrchestrationInstance": where, "ParentInstance": parent, "Name": row.name, "Version": row.version}
    return {**wire.event(wire.EXECUTION_STARTED, now), **fields, "Input": row.input, "Tags": None}


def outcome(row: Instance, reply: Reply) -> tuple[str, str]:
    if reply.error is None:
        return "Completed", json.dumps(reply.output)
    return "Failed", json.dumps(f"Orchestrator function '{row.name}' failed: {reply.error}")


def ended_child(child: Instance, now: datetime) -> Event:
    """What its parent is told."""
    output = child.output or "null"
    if child.status == "Completed":
        return wire.event(wire.SUB_COMPLETED, now, TaskScheduledId=child.parent_task, Result=output)
    reason = json.loads(output)
    return wire.event(wire.SUB_FAILED, now, TaskScheduledId=child.parent_task, Reason=reason, Details="")
