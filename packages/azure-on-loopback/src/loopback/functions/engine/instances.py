"""Instances of orchestrations, episode by episode: each episode's consequences are one transaction on the store.

Nothing here waits or runs an app's code. The engine does, between `next_episode` and `commit`.
"""

import json
import uuid
from collections.abc import Iterable, Sequence
from itertools import chain

from loopback.functions import protocol as wire
from loopback.functions.clock import Clock
from loopback.functions.engine.entities import Entities
from loopback.functions.engine.episode import (
    Consequences,
    Episode,
    begin_history,
    execution_started,
    outcome,
    sub_orchestration_ended,
)
from loopback.functions.engine.live_instances import MAX_LIVE, LiveInstances
from loopback.functions.protocol import Event, Reply
from loopback.functions.replay.decisions import Decisions
from loopback.functions.storage.store import ActivityTask, Instance, Store


class Conflict(Exception):
    """An instance of this id is running."""


class Instances:
    """Starts, advances and ends instances."""

    def __init__(
        self, store: Store, entities: Entities, clock: Clock, default_version: str | None, max_live: int = MAX_LIVE
    ) -> None:
        self.store = store
        self.entities = entities
        self.clock = clock
        self._default_version = default_version
        self._live = LiveInstances(store, max_live)

    def start(self, name: str, instance: str, input_json: str | None, *, version: str | None = None) -> None:
        """Start an instance; raises `Conflict` while one of this id is running."""
        present = self.store.instance(instance)
        if present is not None and not present.ended:
            raise Conflict(instance)
        with self.store.transaction("start"):
            self._create(name, instance, input_json, version)

    def _create(
        self,
        name: str,
        instance: str,
        input_json: str | None,
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
            input=input_json,
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
        """Drop an instance from memory, because the store has changed."""
        self._live.forget(instance)

    def next_episode(self, instance: str) -> Episode | None:
        """Return the next episode of an instance; None if nothing has arrived that it can use."""
        now = self.clock.now()
        live = self._live.get(instance)
        messages = self.store.messages(instance, now)
        if live is not None:
            texts = [message.body for message in messages if message.execution in (None, live.row.execution)]
            history = begin_history(live, [(json.loads(text), text) for text in texts], now) if texts else None
            if history is not None:
                self._live.begin_episode(instance)
                return Episode(live, messages, history)
        if messages:
            with self.store.transaction("episode"):
                self.store.delete_messages(messages)
        return None

    def commit(self, replayed: Iterable[tuple[Episode, Reply, Decisions]]) -> Consequences:
        """Carry out the decisions of these episodes, of different instances, in one transaction."""
        consequences = Consequences()
        with self.store.transaction("episode"):
            for episode, reply, decisions in replayed:
                if self._live.end_episode(episode.live):
                    consequences.add(self._commit_one(episode, reply, decisions))
        return consequences

    def _commit_one(self, episode: Episode, reply: Reply, decisions: Decisions) -> Consequences:
        """Carry out one episode's decisions. Those that can't be carried out fail their own instance and no other."""
        consequences = Consequences()
        try:
            with self.store.part_of_transaction():
                self._advance(episode, reply, decisions, consequences)
        except Exception as problem:  # noqa: BLE001 - whatever is wrong with one instance, the others go on
            consequences = Consequences()
            self._advance(episode, wire.failed_reply(problem), Decisions(ended=True), consequences)
        return consequences

    def _advance(self, episode: Episode, reply: Reply, decisions: Decisions, consequences: Consequences) -> None:
        row = episode.row
        row.status = "Suspended" if decisions.suspended else "Running"
        row.updated = wire.timestamp(self.clock.now())
        if reply.custom_status is not None:
            row.custom_status = json.dumps(reply.custom_status)
        self.store.delete_messages(episode.messages)
        self.dispatch(row, decisions.scheduled, decisions.cancelled_timers, consequences)
        if decisions.ended and decisions.continue_as_new is not None:
            self._continue_as_new(row, decisions.continue_as_new, decisions.carried)
            consequences.instances.append(row.id)
        else:
            self._record(episode, reply, decisions, consequences)

    def _record(self, episode: Episode, reply: Reply, decisions: Decisions, consequences: Consequences) -> None:
        """Append the episode to the history, and end the instance if it is at its end."""
        row, now = episode.row, self.clock.now()
        for timer in decisions.cancelled_timers:
            self.store.delete_timer(row.id, timer)
        decided = list(decisions.scheduled)
        if decisions.ended:
            status, output = outcome(row, reply)
            decided.append(wire.event(wire.EXECUTION_COMPLETED, now, OrchestrationStatus=status, Result=output))
            self.end(row, status, output, consequences)
        else:
            self.store.save(row)
        decided.append(wire.event(wire.ORCHESTRATOR_COMPLETED, now))
        history = episode.live.history
        texts = [json.dumps(event) for event in chain(episode.arrived.events, decided)]
        self.store.append(row.id, len(history.events), texts)
        history.add(chain(episode.arrived.events, decided), texts)

    def dispatch(
        self, row: Instance, decided: Iterable[Event], cancelled_timers: Iterable[int], consequences: Consequences
    ) -> None:
        """Send out the work that an instance has decided on."""
        for event in decided:
            number = event["EventId"]
            match event["EventType"]:
                case wire.TASK_SCHEDULED:
                    (input_json,) = json.loads(event["Input"])
                    task = self.store.schedule(row.id, row.execution, number, event["Name"], input_json)
                    consequences.activities.append(task)
                case wire.TIMER_CREATED if number not in cancelled_timers:
                    due = wire.parse_timestamp(event["FireAt"])
                    fired = wire.event(wire.TIMER_FIRED, due, TimerId=number, FireAt=event["FireAt"])
                    self.store.send(row.id, fired, execution=row.execution, due=due)
                    consequences.first_timer = min(due, consequences.first_timer or due)
                case wire.SUB_CREATED:
                    consequences.instances.append(self._start_sub_orchestration(row, event))
                case wire.EVENT_SENT:
                    self.entities.send(event["InstanceId"], json.loads(event["Input"]) | {"execution": row.execution})
                    consequences.entities.append(event["InstanceId"])

    def _start_sub_orchestration(self, row: Instance, decided: Event) -> str:
        """Return the instance that has got a message: the child, or the parent if the child's id is taken."""
        number = decided["EventId"]
        child = decided["InstanceId"] or f"{row.execution}:{number}"
        decided["InstanceId"] = child
        present = self.store.instance(child)
        if present is None or present.ended:
            self._create(decided["Name"], child, decided["Input"], decided["Version"], row, number)
            return str(child)
        reason = f"An instance with the id '{child}' is running already."
        failed = wire.event(wire.SUB_FAILED, self.clock.now(), TaskScheduledId=number, Reason=reason, Details="")
        self.store.send(row.id, failed, execution=row.execution)
        return row.id

    def _continue_as_new(self, row: Instance, input_json: str, carried: Iterable[Event]) -> None:
        self.store.delete_history(row.id)
        self.store.delete_timers(row.id)
        self.store.delete_activities(row.id)
        self.forget(row.id)
        row.execution, row.input, row.status = uuid.uuid4().hex, input_json, "Running"
        self.store.save(row)
        self.store.send(row.id, execution_started(row, self.clock.now()), execution=row.execution)
        for event in carried:
            self.store.send(row.id, event)

    def end(self, row: Instance, status: str, output: str, consequences: Consequences) -> None:
        """Set the final status and tell the parent."""
        now = self.clock.now()
        row.status, row.output, row.updated = status, output, wire.timestamp(now)
        self.store.save(row)
        self.store.delete_timers(row.id)
        self.store.delete_activities(row.id)
        self.forget(row.id)
        consequences.ended.append(row.id)
        if row.parent is not None:
            self.store.send(row.parent, sub_orchestration_ended(row, now), execution=row.parent_execution)
            consequences.instances.append(row.parent)

    def record_activities(self, results: Sequence[tuple[ActivityTask, Event]]) -> None:
        """Send the results of activities to their instances, unless those have ended."""
        with self.store.transaction("activities"):
            for activity, event in results:
                if self.store.finish(activity):
                    self.store.send(activity.instance, event, execution=activity.execution)
