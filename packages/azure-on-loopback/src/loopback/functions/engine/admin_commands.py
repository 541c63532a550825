"""What people and programs do to instances from outside, a transaction each."""

import json
import uuid

from loopback.functions import protocol as wire
from loopback.functions.engine.episodes import Consequences, ended_child
from loopback.functions.engine.instances import Conflict, Instances
from loopback.functions.protocol import Event
from loopback.functions.replay.decisions import COMPLETES, FAILS, KIND_OF
from loopback.functions.storage.store import Filter, Instance

__all__ = ["Conflict", "Control"]


class Control:
    """Each method takes a row that is in the store, in a state that allows what it does."""

    def __init__(self, instances: Instances) -> None:
        self._instances = instances
        self._store = instances.store
        self._clock = instances.clock

    def raise_event(self, row: Instance, name: str, given: str) -> Consequences:
        """Send an external event; `given` is JSON. It goes to whichever execution of the instance there is."""
        return self._send(row, "event", wire.event(wire.EVENT_RAISED, self._clock.now(), Name=name, Input=given))

    def suspend(self, row: Instance, reason: str) -> Consequences:
        return self._send(row, "suspend", wire.event(wire.EXECUTION_SUSPENDED, self._clock.now(), Input=reason))

    def resume(self, row: Instance, reason: str) -> Consequences:
        return self._send(row, "resume", wire.event(wire.EXECUTION_RESUMED, self._clock.now(), Input=reason))

    def _send(self, row: Instance, transaction: str, event: Event) -> Consequences:
        with self._store.transaction(transaction):
            self._store.send(row.id, event)
        return Consequences(instances=[row.id])

    def terminate(self, row: Instance, reason: str) -> Consequences:
        """End it at once; its sub-orchestrations go on, as on Azure."""
        now, output = self._clock.now(), json.dumps(reason)
        events = [
            wire.event(wire.ORCHESTRATOR_STARTED, now),
            wire.event(wire.EXECUTION_TERMINATED, now, Input=reason),
            wire.event(wire.EXECUTION_COMPLETED, now, OrchestrationStatus="Terminated", Result=output),
            wire.event(wire.ORCHESTRATOR_COMPLETED, now),
        ]
        then = Consequences()
        with self._store.transaction("terminate"):
            number = len(self._store.history(row.id))
            self._store.append(row.id, number, [json.dumps(event) for event in events])
            self._instances.close(row, "Terminated", output, then)
        return then

    def restart(self, row: Instance, *, new_id: bool) -> str:
        """Start the same function with the same input; raises `Conflict` when the id is kept and still runs."""
        instance = uuid.uuid4().hex if new_id else row.id
        self._instances.begin(row.name, instance, row.input, version=row.version)
        return instance

    def purge(self, row: Instance) -> None:
        """Forget it."""
        with self._store.transaction("purge"):
            self._store.purge(row.id)
        self._instances.forget(row.id)

    def purge_ended(self, wanted: Filter) -> int:
        """Forget all of these that have ended; returns how many."""
        with self._store.transaction("purge"):
            found = self._store.ids_over(wanted)
            for instance in found:
                self._store.purge(instance)
        return len(found)

    def rewind(self, row: Instance, reason: str) -> Consequences:
        """Take a failed instance back to before its first failure, and its failed sub-orchestrations with it.

        What had succeeded stays. What failed is done again, and so is what was decided after the first failure.
        """
        then = Consequences()
        with self._store.transaction("rewind"):
            self._rewind(row, reason, then)
        return then

    def _rewind(self, row: Instance, reason: str, then: Consequences) -> None:
        now = self._clock.now()
        kept = _healthy([json.loads(body) for body in self._store.history(row.id)])
        self._store.forget_history(row.id)
        self._store.append(row.id, 0, [json.dumps(each) for each in kept])
        self._instances.forget(row.id)
        row.status, row.output, row.updated = "Running", None, wire.timestamp(now)
        self._store.save(row)
        ended = {each[COMPLETES[each["EventType"]]] for each in kept if each["EventType"] in COMPLETES}
        raised = {each["Name"] for each in kept if each["EventType"] == wire.EVENT_RAISED}
        opened = [
            each
            for each in kept
            if each["EventType"] in KIND_OF and each["EventId"] not in ended and not self._sent(each, raised)
        ]
        anew = [each for each in opened if not self._has_child(each, reason, then)]
        self._instances.dispatch(row, anew, (), then)
        self._store.send(row.id, wire.event(wire.GENERIC_EVENT, now, Data=f"Rewound: {reason}"))
        then.instances.append(row.id)

    def _sent(self, decided: Event, raised: set[str]) -> bool:
        """Whether `decided` is an operation of an entity that need not be sent again."""
        if decided["EventType"] != wire.EVENT_SENT:
            return False
        asked = json.loads(decided["Input"])
        return bool(asked.get("signal")) or asked["id"] in raised or self._instances.entities.has_queued(asked["id"])

    def _has_child(self, decided: Event, reason: str, then: Consequences) -> bool:
        """Whether `decided` is a sub-orchestration that is there to go on with; a failed one is rewound."""
        child = self._store.instance(decided["InstanceId"]) if decided["EventType"] == wire.SUB_CREATED else None
        if child is None or child.status == "Terminated":
            return False
        if child.status == "Failed":
            self._rewind(child, reason, then)
        elif child.over and child.parent is not None:
            told = ended_child(child, self._clock.now())
            self._store.send(child.parent, told, execution=child.parent_execution)
        return True


def _healthy(history: list[Event]) -> list[Event]:
    """The history without its end, its failures, what failed, and what was decided after the first failure."""
    history = [event for event in history if event["EventType"] != wire.EXECUTION_COMPLETED]
    first = next((place for place, event in enumerate(history) if event["EventType"] in FAILS), len(history))
    failed = {event["TaskScheduledId"] for event in history if event["EventType"] in FAILS}
    dropped = {
        event["EventId"]
        for place, event in enumerate(history)
        if event["EventType"] in KIND_OF
        and (place > first or (event["EventId"] in failed and event["EventType"] == wire.TASK_SCHEDULED))
    }
    return [event for event in history if not _gone(event, dropped)]


def _gone(each: Event, dropped: set[int]) -> bool:
    kind = each["EventType"]
    if kind in FAILS:
        return True
    if kind in KIND_OF:
        return each["EventId"] in dropped
    return kind in COMPLETES and each[COMPLETES[kind]] in dropped
