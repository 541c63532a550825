"""Commands to instances from outside: terminate, suspend, rewind, purge and others. Each is one transaction."""

import json
import uuid

from loopback.functions import protocol as wire
from loopback.functions.engine.episode import Consequences, sub_orchestration_ended
from loopback.functions.engine.instances import Instances
from loopback.functions.protocol import COMPLETES, FAILS, KIND_OF, Event
from loopback.functions.storage.store import Filter, Instance


class AdminCommands:
    """Takes commands. The caller has checked that the instance is in a state that allows them."""

    def __init__(self, instances: Instances) -> None:
        self._instances = instances
        self._store = instances.store
        self._clock = instances.clock

    def raise_event(self, row: Instance, name: str, input_json: str) -> Consequences:
        """Send an external event to the instance's current execution, whichever that is on arrival."""
        return self._send(row, "event", wire.event(wire.EVENT_RAISED, self._clock.now(), Name=name, Input=input_json))

    def suspend(self, row: Instance, reason: str) -> Consequences:
        return self._send(row, "suspend", wire.event(wire.EXECUTION_SUSPENDED, self._clock.now(), Input=reason))

    def resume(self, row: Instance, reason: str) -> Consequences:
        return self._send(row, "resume", wire.event(wire.EXECUTION_RESUMED, self._clock.now(), Input=reason))

    def _send(self, row: Instance, transaction: str, event: Event) -> Consequences:
        with self._store.transaction(transaction):
            self._store.send(row.id, event)
        return Consequences(instances=[row.id])

    def terminate(self, row: Instance, reason: str) -> Consequences:
        """End an instance at once. Its sub-orchestrations go on, as on Azure."""
        now, output = self._clock.now(), json.dumps(reason)
        events = [
            wire.event(wire.ORCHESTRATOR_STARTED, now),
            wire.event(wire.EXECUTION_TERMINATED, now, Input=reason),
            wire.event(wire.EXECUTION_COMPLETED, now, OrchestrationStatus="Terminated", Result=output),
            wire.event(wire.ORCHESTRATOR_COMPLETED, now),
        ]
        consequences = Consequences()
        with self._store.transaction("terminate"):
            number = len(self._store.history(row.id))
            self._store.append(row.id, number, [json.dumps(event) for event in events])
            self._instances.end(row, "Terminated", output, consequences)
        return consequences

    def restart(self, row: Instance, *, new_id: bool) -> str:
        """Start the same function with the same input; return the id.

        Raises `Conflict` if the instance keeps its id and has not ended.
        """
        instance = uuid.uuid4().hex if new_id else row.id
        self._instances.start(row.name, instance, row.input, version=row.version)
        return instance

    def purge(self, row: Instance) -> None:
        with self._store.transaction("purge"):
            self._store.purge(row.id)
        self._instances.forget(row.id)

    def purge_ended(self, wanted: Filter) -> int:
        """Purge the instances that have ended; return their number."""
        with self._store.transaction("purge"):
            ended = self._store.ended_ids(wanted)
            for instance in ended:
                self._store.purge(instance)
        return len(ended)

    def rewind(self, row: Instance, reason: str) -> Consequences:
        """Take a failed instance back to before its first failure, and its failed sub-orchestrations with it.

        Work that had succeeded stays. Failed work is done again, and so is what was decided after the first failure.
        """
        consequences = Consequences()
        with self._store.transaction("rewind"):
            self._rewind(row, reason, consequences)
        return consequences

    def _rewind(self, row: Instance, reason: str, consequences: Consequences) -> None:
        now = self._clock.now()
        history = _without_failures([json.loads(body) for body in self._store.history(row.id)])
        self._store.delete_history(row.id)
        self._store.append(row.id, 0, [json.dumps(event) for event in history])
        self._instances.forget(row.id)
        row.status, row.output, row.updated = "Running", None, wire.timestamp(now)
        self._store.save(row)
        ended = {event[COMPLETES[event["EventType"]]] for event in history if event["EventType"] in COMPLETES}
        raised = {event["Name"] for event in history if event["EventType"] == wire.EVENT_RAISED}
        open_work = [event for event in history if event["EventType"] in KIND_OF and event["EventId"] not in ended]
        to_dispatch = [
            event
            for event in open_work
            if not self._is_sent(event, raised) and not self._has_child(event, reason, consequences)
        ]
        self._instances.dispatch(row, to_dispatch, (), consequences)
        self._store.send(row.id, wire.event(wire.GENERIC_EVENT, now, Data=f"Rewound: {reason}"))
        consequences.instances.append(row.id)

    def _is_sent(self, decided: Event, raised: set[str]) -> bool:
        """Tell whether a decision is an operation of an entity that must not be sent again."""
        if decided["EventType"] != wire.EVENT_SENT:
            return False
        operation = json.loads(decided["Input"])
        answered = operation["id"] in raised
        return bool(operation.get("signal")) or answered or self._instances.entities.has_queued(operation["id"])

    def _has_child(self, decided: Event, reason: str, consequences: Consequences) -> bool:
        """Tell whether a decision is a sub-orchestration that can go on; rewind it if it has failed."""
        child = self._store.instance(decided["InstanceId"]) if decided["EventType"] == wire.SUB_CREATED else None
        if child is None or child.status == "Terminated":
            return False
        if child.status == "Failed":
            self._rewind(child, reason, consequences)
        elif child.ended and child.parent is not None:
            event = sub_orchestration_ended(child, self._clock.now())
            self._store.send(child.parent, event, execution=child.parent_execution)
        return True


def _without_failures(history: list[Event]) -> list[Event]:
    """Return the history without its end, its failures, the failed work, and the decisions after the first failure."""
    history = [event for event in history if event["EventType"] != wire.EXECUTION_COMPLETED]
    first = next((index for index, event in enumerate(history) if event["EventType"] in FAILS), len(history))
    failed = {event["TaskScheduledId"] for event in history if event["EventType"] in FAILS}
    dropped = {
        event["EventId"]
        for index, event in enumerate(history)
        if event["EventType"] in KIND_OF
        and (index > first or (event["EventId"] in failed and event["EventType"] == wire.TASK_SCHEDULED))
    }
    return [event for event in history if not _is_dropped(event, dropped)]


def _is_dropped(event: Event, dropped: set[int]) -> bool:
    kind = event["EventType"]
    if kind in FAILS:
        return True
    if kind in KIND_OF:
        return event["EventId"] in dropped
    return kind in COMPLETES and event[COMPLETES[kind]] in dropped
