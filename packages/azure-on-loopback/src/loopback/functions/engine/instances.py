"""Instances of orchestrations, episode by episode: each episode's consequences are one transaction on the store.

Nothing here waits or runs an app's code: the engine does, between `due` and `commit`.
"""

import json
import uuid
from collections.abc import Iterable, Sequence
from itertools import chain

from loopback.functions import protocol as wire
from loopback.functions.clock import Clock
from loopback.functions.engine.entities import Entities
from loopback.functions.engine.episodes import (
    Consequences,
    Episode,
    History,
    Live,
    after_the_start,
    ended_child,
    execution_started,
    outcome,
)
from loopback.functions.protocol import Event, Reply
from loopback.functions.replay.decisions import Decisions
from loopback.functions.storage.store import ActivityTask, Instance, Store


class Conflict(Exception):
    """An instance of this id is running."""


KEPT_LIVE = 1000
"""Instances whose histories are kept in memory; what waits longest is read again from the store."""


class Instances:
    """Instances under way are kept in memory, as they are in the store."""

    def __init__(
        self,
        store: Store,
        entities: Entities,
        clock: Clock,
        default_version: str | None,
        kept_live: int = KEPT_LIVE,
    ) -> None:
        self.store = store
        self.entities = entities
        self.clock = clock
        self._default_version = default_version
        self._kept_live = kept_live
        self._live: dict[str, Live] = {}
        self._in_flight: set[str] = set()
        """Those that have an episode which has not been committed."""

    def begin(self, name: str, instance: str, given: str | None, *, version: str | None = None) -> None:
        """Start an instance; raises `Conflict` while one of this id is running."""
        present = self.store.instance(instance)
        if present is not None and not present.over:
            raise Conflict(instance)
        with self.store.transaction("start"):
            self._create(name, instance, given, version)

    def _create(
        self,
        name: str,
        instance: str,
        given: str | None,
        version: str | None,
        parent: Instance | None = None,
        parent_task: int | None = None,
    ) -> None:
        now = self.clock.now()
        self.store.purge(instance)
        self.forget(instance)
        row = Instance(
            id=instance,
            execution=uuid.uuid4().hex,
            name=name,
            version=version or self._default_version,
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
        self.store.send(instance, execution_started(row, now), execution=row.execution)

    def forget(self, instance: str) -> None:
        """What is kept in memory of it."""
        self._live.pop(instance, None)
        self._in_flight.discard(instance)

    def due(self, instance: str) -> Episode | None:
        """The next episode of an instance; None when nothing has arrived that it can use."""
        now = self.clock.now()
        live = self._known(instance)
        messages = self.store.messages(instance, now)
        if live is not None:
            wanted = [message.body for message in messages if message.execution in (None, live.row.execution)]
            arrived = [json.loads(body) for body in wanted]
            begun = live.history.events or any(each["EventType"] == wire.EXECUTION_STARTED for each in arrived)
            if arrived and begun:
                started = wire.event(wire.ORCHESTRATOR_STARTED, now)
                pairs = sorted(zip(arrived, wanted, strict=True), key=after_the_start)
                fresh = History()
                fresh.add([started], [json.dumps(started)])
                fresh.add(*zip(*pairs, strict=True))
                self._in_flight.add(instance)
                return Episode(live, messages, fresh)
        if messages:
            with self.store.transaction("episode"):
                self.store.received(messages)
        return None

    def _known(self, instance: str) -> Live | None:
        """The instance, unless it is over; those that were looked at last come last in `_live`."""
        live = self._live.pop(instance, None)
        if live is None:
            row = self.store.instance(instance)
            if row is None or row.over:
                return None
            live = Live(row, History())
            bodies = self.store.history(instance)
            live.history.add([json.loads(body) for body in bodies], bodies)
        self._live[instance] = live
        if len(self._live) > self._kept_live:
            idle = (each for each in self._live if each != instance and each not in self._in_flight)
            self._live.pop(next(idle, ""), None)
        return live

    def commit(self, replayed: Iterable[tuple[Episode, Reply, Decisions]]) -> Consequences:
        """All that these episodes, of different instances, have decided, in one transaction."""
        then = Consequences()
        with self.store.transaction("episode"):
            for episode, reply, decisions in replayed:
                self._in_flight.discard(episode.row.id)
                if self._live.get(episode.row.id) is episode.live:  # else it was terminated, purged or replaced
                    then.add(self._committed(episode, reply, decisions))
        return then

    def _committed(self, episode: Episode, reply: Reply, decisions: Decisions) -> Consequences:
        """Decisions that can't be carried out fail their own instance, and no other."""
        then = Consequences()
        try:
            with self.store.part_of_transaction():
                self._commit(episode, reply, decisions, then)
        except Exception as problem:  # noqa: BLE001 - whatever is wrong with one run, the others go on
            then = Consequences()
            self._commit(episode, wire.broken(problem), Decisions(ended=True), then)
        return then

    def _commit(self, episode: Episode, reply: Reply, decisions: Decisions, then: Consequences) -> None:
        row = episode.row
        row.status = "Suspended" if decisions.suspended else "Running"
        row.updated = wire.timestamp(self.clock.now())
        if reply.custom_status is not None:
            row.custom_status = json.dumps(reply.custom_status)
        self.store.received(episode.messages)
        self.dispatch(row, decisions.scheduled, decisions.cancelled_timers, then)
        if decisions.ended and decisions.continue_as_new is not None:
            self._continue_as_new(row, decisions.continue_as_new, decisions.carried)
            then.instances.append(row.id)
        else:
            self._go_on(episode, reply, decisions, then)

    def _go_on(self, episode: Episode, reply: Reply, decisions: Decisions, then: Consequences) -> None:
        row, now = episode.row, self.clock.now()
        for timer in decisions.cancelled_timers:
            self.store.forget_timer(row.id, timer)
        decided = list(decisions.scheduled)
        if decisions.ended:
            status, output = outcome(row, reply)
            decided.append(wire.event(wire.EXECUTION_COMPLETED, now, OrchestrationStatus=status, Result=output))
            self.close(row, status, output, then)
        else:
            self.store.save(row)
        decided.append(wire.event(wire.ORCHESTRATOR_COMPLETED, now))
        history = episode.live.history
        texts = [json.dumps(event) for event in chain(episode.arrived.events, decided)]
        self.store.append(row.id, len(history.events), texts)
        history.add(chain(episode.arrived.events, decided), texts)

    def dispatch(
        self, row: Instance, decided: Iterable[Event], cancelled_timers: Iterable[int], then: Consequences
    ) -> None:
        """Send out the work that has been decided on."""
        for each in decided:
            number = each["EventId"]
            match each["EventType"]:
                case wire.TASK_SCHEDULED:
                    (given,) = json.loads(each["Input"])
                    task = self.store.schedule(row.id, row.execution, number, each["Name"], given)
                    then.activities.append(task)
                case wire.TIMER_CREATED if number not in cancelled_timers:
                    due = wire.parse_timestamp(each["FireAt"])
                    fired = wire.event(wire.TIMER_FIRED, due, TimerId=number, FireAt=each["FireAt"])
                    self.store.send(row.id, fired, execution=row.execution, due=due)
                    then.due = min(due, then.due or due)
                case wire.SUB_CREATED:
                    then.instances.append(self._begin_child(row, each))
                case wire.EVENT_SENT:
                    self.entities.send(each["InstanceId"], json.loads(each["Input"]) | {"execution": row.execution})
                    then.entities.append(each["InstanceId"])

    def _begin_child(self, row: Instance, decided: Event) -> str:
        """Returns whom to wake: the child, or the parent when the child's id is taken by a running instance."""
        number = decided["EventId"]
        child = decided["InstanceId"] or f"{row.execution}:{number}"
        decided["InstanceId"] = child
        present = self.store.instance(child)
        if present is None or present.over:
            self._create(decided["Name"], child, decided["Input"], decided["Version"], row, number)
            return str(child)
        reason = f"An instance with the id '{child}' is running already."
        told = wire.event(wire.SUB_FAILED, self.clock.now(), TaskScheduledId=number, Reason=reason, Details="")
        self.store.send(row.id, told, execution=row.execution)
        return row.id

    def _continue_as_new(self, row: Instance, given: str, carried: Iterable[Event]) -> None:
        self.store.forget_history(row.id)
        self.store.forget_timers(row.id)
        self.store.forget_activities(row.id)
        self.forget(row.id)
        row.execution, row.input, row.status = uuid.uuid4().hex, given, "Running"
        self.store.save(row)
        self.store.send(row.id, execution_started(row, self.clock.now()), execution=row.execution)
        for each in carried:
            self.store.send(row.id, each)

    def close(self, row: Instance, status: str, output: str, then: Consequences) -> None:
        """Set the final state and tell the parent."""
        now = self.clock.now()
        row.status, row.output, row.updated = status, output, wire.timestamp(now)
        self.store.save(row)
        self.store.forget_timers(row.id)
        self.store.forget_activities(row.id)
        self.forget(row.id)
        then.over.append(row.id)
        if row.parent is not None:
            self.store.send(row.parent, ended_child(row, now), execution=row.parent_execution)
            then.instances.append(row.parent)

    def activities_ended(self, ended: Sequence[tuple[ActivityTask, Event]]) -> None:
        """Tell their instances, if they still wait for them."""
        with self.store.transaction("activities"):
            for activity, told in ended:
                if self.store.finish(activity):
                    self.store.send(activity.instance, told, execution=activity.execution)
