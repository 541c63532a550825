"""Instances and what changes them: each change is one transaction on the store.

Nothing here waits or runs an app's code: the engine does, between `due` and `commit`.
"""

import json
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from local.functions_host import protocol as wire
from local.functions_host.protocol import Event, Reply
from local.functions_host.replay import Decisions
from local.functions_host.store import ActivityTask, Instance, Message, Store


class Clock(Protocol):
    def now(self) -> datetime: ...


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


class Conflict(Exception):
    """An instance of this id is running."""


@dataclass(frozen=True)
class Episode:
    """What has arrived for an instance, and its history with it."""

    row: Instance
    messages: list[Message]
    history: list[Event]
    known: int
    """How many of the events are in the store already."""


@dataclass(frozen=True)
class Consequences:
    """The work that follows from a change, once it is committed."""

    activities: list[ActivityTask] = field(default_factory=list)
    woken: list[str] = field(default_factory=list)
    """Instances that have messages now."""


class Instances:
    """Histories of instances under way are kept in memory, as they are in the store."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self.store = store
        self.clock = clock
        self._histories: dict[str, list[Event]] = {}

    def begin(
        self,
        name: str,
        instance: str,
        given: str | None,
        *,
        version: str | None = None,
    ) -> None:
        """Start an instance; raises `Conflict` while one of this id is running."""
        present = self.store.instance(instance)
        if present is not None and not present.over:
            raise Conflict(instance)
        with self.store.transaction():
            self._create(name, instance, given, version=version)

    def _create(
        self,
        name: str,
        instance: str,
        given: str | None,
        *,
        version: str | None = None,
        parent: Instance | None = None,
        parent_task: int | None = None,
    ) -> None:
        now = self.clock.now()
        self.store.purge(instance)
        self._histories.pop(instance, None)
        row = Instance(
            id=instance,
            execution=uuid.uuid4().hex,
            name=name,
            version=version,
            input=given,
            output=None,
            custom_status=None,
            status="Pending",
            created=wire.timestamp(now),
            updated=wire.timestamp(now),
            parent=parent.id if parent else None,
            parent_execution=parent.execution if parent else None,
            parent_task=parent_task,
        )
        self.store.save(row)
        self.store.send(instance, self._execution_started(row, now), execution=row.execution)

    def _execution_started(self, row: Instance, now: datetime) -> Event:
        where = {"InstanceId": row.id, "ExecutionId": row.execution}
        parent = {"OrchestrationInstance": {"InstanceId": row.parent}} if row.parent else None
        return wire.event(
            wire.EXECUTION_STARTED,
            now,
            OrchestrationInstance=where,
            ParentInstance=parent,
            Name=row.name,
            Version=row.version or "",
            Input=row.input,
            Tags=None,
        )

    def raise_event(self, instance: str, name: str, given: str) -> None:
        """Send an external event; `given` is JSON."""
        now = self.clock.now()
        with self.store.transaction():
            self.store.send(instance, wire.event(wire.EVENT_RAISED, now, Name=name, Input=given))

    def terminate(self, instance: str, reason: str) -> list[str]:
        """End it at once; returns whom to wake."""
        row = self.store.instance(instance)
        if row is None or row.over:
            return []
        with self.store.transaction():
            woken = self._close(row, "Terminated", json.dumps(reason))
        self._histories.pop(instance, None)
        return woken

    def purge(self, instance: str) -> None:
        """Forget it."""
        with self.store.transaction():
            self.store.purge(instance)
        self._histories.pop(instance, None)

    def due(self, instance: str) -> Episode | None:
        """The next episode of an instance; None when nothing has arrived that it can use."""
        now = self.clock.now()
        row = self.store.instance(instance)
        messages = self.store.messages(instance, now)
        if row is not None and not row.over:
            wanted = [each.body for each in messages if each.execution in (None, row.execution)]
            wanted.sort(key=lambda body: body["EventType"] != wire.EXECUTION_STARTED)
            history = self._histories.get(instance)
            if history is None:
                history = self.store.history(instance)
            if wanted and (history or wanted[0]["EventType"] == wire.EXECUTION_STARTED):
                whole = [*history, wire.event(wire.ORCHESTRATOR_STARTED, now), *wanted]
                return Episode(row, messages, whole, len(history))
        with self.store.transaction():
            self.store.received(messages)
        return None

    def commit(self, episode: Episode, reply: Reply, decisions: Decisions) -> Consequences:
        """All that an episode has decided, in one transaction."""
        row, whole, now = episode.row, episode.history, self.clock.now()
        then = Consequences()
        current = self.store.instance(row.id)
        if current is None or current.execution != row.execution or current.over:
            return then  # terminated, purged or replaced in the meantime
        row.status = "Running"
        row.updated = wire.timestamp(now)
        if reply.custom_status is not None:
            row.custom_status = json.dumps(reply.custom_status)
        whole += [*decisions.scheduled, wire.event(wire.ORCHESTRATOR_COMPLETED, now)]
        with self.store.transaction():
            self.store.received(episode.messages)
            if decisions.ended and decisions.continue_as_new is not None:
                self._continue_as_new(row, decisions.continue_as_new)
                then.woken.append(row.id)
            else:
                for each in decisions.scheduled:
                    self._dispatch(row, each, decisions, then)
                for timer in decisions.cancelled_timers:
                    self.store.forget_timer(row.id, timer)
                if decisions.ended:
                    then.woken.extend(self._end(row, whole, reply, now))
                else:
                    self.store.save(row)
                self.store.append(row.id, episode.known, whole[episode.known :])
        if decisions.ended:
            self._histories.pop(row.id, None)
        else:
            self._histories[row.id] = whole
        return then

    def _dispatch(self, row: Instance, decided: Event, decisions: Decisions, then: Consequences) -> None:
        number = decided["EventId"]
        match decided["EventType"]:
            case wire.TASK_SCHEDULED:
                given = decided["Input"]
                task = self.store.schedule(row.id, row.execution, number, decided["Name"], given)
                then.activities.append(task)
            case wire.TIMER_CREATED if number not in decisions.cancelled_timers:
                due = wire.parse_timestamp(decided["FireAt"])
                fired = wire.event(wire.TIMER_FIRED, due, TimerId=number, FireAt=decided["FireAt"])
                self.store.send(row.id, fired, execution=row.execution, due=due)
            case wire.SUB_CREATED:
                then.woken.append(self._begin_child(row, decided))

    def _begin_child(self, row: Instance, decided: Event) -> str:
        """Returns whom to wake: the child, or the parent when the child's id is taken by a running instance."""
        number = decided["EventId"]
        child = decided["InstanceId"] or f"{row.execution}:{number:04x}"
        decided["InstanceId"] = child
        present = self.store.instance(child)
        if present is None or present.over:
            self._create(decided["Name"], child, decided["Input"], parent=row, parent_task=number)
            return str(child)
        now = self.clock.now()
        reason = f"An instance with the id '{child}' is running already."
        told = wire.event(wire.SUB_FAILED, now, TaskScheduledId=number, Reason=reason, Details="")
        self.store.send(row.id, told, execution=row.execution)
        return row.id

    def _continue_as_new(self, row: Instance, given: str) -> None:
        now = self.clock.now()
        self.store.forget_history(row.id)
        self.store.forget_timers(row.id)
        self.store.forget_activities(row.id)
        row.execution = uuid.uuid4().hex
        row.input = given
        row.status = "Running"
        self.store.save(row)
        self.store.send(row.id, self._execution_started(row, now), execution=row.execution)

    def _end(self, row: Instance, whole: list[Event], reply: Reply, now: datetime) -> list[str]:
        if reply.error is None:
            status, output = "Completed", json.dumps(reply.output)
        else:
            status, output = "Failed", json.dumps(f"Orchestrator function '{row.name}' failed: {reply.error}")
        whole.append(wire.event(wire.EXECUTION_COMPLETED, now, OrchestrationStatus=status, Result=output))
        return self._close(row, status, output)

    def _close(self, row: Instance, status: str, output: str) -> list[str]:
        """Set the final state and tell the parent; returns who is to be woken."""
        now = self.clock.now()
        row.status, row.output, row.updated = status, output, wire.timestamp(now)
        self.store.save(row)
        self.store.forget_timers(row.id)
        self.store.forget_activities(row.id)
        if row.parent is None:
            return []
        if status == "Completed":
            told = wire.event(wire.SUB_COMPLETED, now, TaskScheduledId=row.parent_task, Result=output)
        else:
            reason = json.loads(output)
            told = wire.event(wire.SUB_FAILED, now, TaskScheduledId=row.parent_task, Reason=reason, Details="")
        self.store.send(row.parent, told, execution=row.parent_execution)
        return [row.parent]

    def activity_ended(self, activity: ActivityTask, told: Event) -> None:
        """Tell its instance, if it still waits for it."""
        with self.store.transaction():
            if self.store.finish(activity):
                self.store.send(activity.instance, told, execution=activity.execution)
