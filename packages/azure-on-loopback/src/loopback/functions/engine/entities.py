"""Entities: each has a state, and operations that are carried out one after the other.

All operations that have arrived for an entity are one batch and one call of its function. Its new state and the
answers to its callers are one transaction.
"""

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from loopback.functions import protocol as wire
from loopback.functions.clock import Clock
from loopback.functions.storage.database import Database
from loopback.functions.storage.store import Store

Operation = Mapping[str, Any]
"""`op`, and perhaps `input` (JSON) and `signal`; a call also has `id`, `parent` and `execution`, for the answer."""


@dataclass(frozen=True)
class Entity:
    """An entity as it is in the store."""

    id: str
    name: str
    key: str
    state: str | None
    """JSON; None while the entity has none, or has been deleted."""
    updated: str
    exists: bool = True


@dataclass(frozen=True)
class Batch:
    """The operations for one call of an entity's function."""

    entity: Entity
    numbers: Sequence[int]
    operations: Sequence[Operation]

    def request(self) -> str:
        """Make the body of the call, as the extension sends it."""
        entity = self.entity
        batch = [
            {"name": operation["op"], "input": operation.get("input"), "isSignal": bool(operation.get("signal"))}
            for operation in self.operations
        ]
        own = {"name": entity.name, "key": entity.key}
        return json.dumps({"self": own, "exists": entity.exists, "state": entity.state, "batch": batch})

    def failed_reply(self, problem: str) -> dict[str, Any]:
        """Stand in for the reply of a function that could not be called: the state stays as it was."""
        result = {"isError": True, "duration": 0, "startTime": 0, "result": json.dumps(problem)}
        return {
            "entityExists": self.entity.exists,
            "entityState": self.entity.state,
            "results": [result] * len(self.operations),
        }


def entity_id(name: str, key: str) -> str:
    return f"@{name.lower()}@{key}"


class Entities:
    """The entities in the store, and the operations that are queued for them."""

    def __init__(self, database: Database, store: Store, clock: Clock) -> None:
        self._db = database
        self._store = store
        self._clock = clock

    def read(self, entity: str) -> Entity:
        row = self._db.execute("SELECT id, name, key, state, updated FROM entities WHERE id=?", (entity,)).fetchone()
        if row is not None:
            return Entity(*row)
        name, key = entity[1:].split("@", 1)
        return Entity(entity, name, key, None, "", exists=False)

    def send(self, entity: str, operation: Operation) -> None:
        """Queue an operation, within the sender's transaction."""
        self._db.execute("INSERT INTO operations (entity, body) VALUES (?,?)", (entity, json.dumps(operation)))

    def signal(self, entity: str, name: str, input_json: str | None) -> None:
        """Queue a signal from outside."""
        operation = {"op": name, "signal": True, "id": str(uuid.uuid4())}
        if input_json is not None:
            operation["input"] = input_json
        with self._db.transaction("signal"):
            self.send(entity, operation)

    def has_queued(self, operation: str) -> bool:
        """Tell whether the call with this id has still to be carried out."""
        return bool(self._db.value("SELECT 1 FROM operations WHERE json_extract(body, '$.id')=?", (operation,)))

    def waiting(self) -> list[str]:
        """Return the entities that have operations."""
        return [entity for (entity,) in self._db.execute("SELECT DISTINCT entity FROM operations")]

    def next_batch(self, entity: str) -> Batch | None:
        query = "SELECT number, body FROM operations WHERE entity=? ORDER BY number"
        rows = self._db.execute(query, (entity,)).fetchall()
        if not rows:
            return None
        return Batch(self.read(entity), [number for number, _ in rows], [json.loads(body) for _, body in rows])

    def commit(self, batch: Batch, reply: Mapping[str, Any]) -> list[str]:
        """Write the state and answer the callers; return the instances that have got an answer."""
        entity, now, answered = batch.entity, self._clock.now(), []
        with self._db.transaction("entity"):
            self._db.execute_many("DELETE FROM operations WHERE number=?", [(number,) for number in batch.numbers])
            self._save(entity, reply, wire.timestamp(now))
            for operation, result in zip(batch.operations, reply["results"], strict=True):
                if operation.get("signal"):
                    continue
                answer = {"result": result["result"]} | ({"exceptionType": "Error"} if result["isError"] else {})
                event = wire.event(wire.EVENT_RAISED, now, Name=operation["id"], Input=json.dumps(answer))
                self._store.send(operation["parent"], event, execution=operation["execution"])
                answered.append(operation["parent"])
        return answered

    def _save(self, entity: Entity, reply: Mapping[str, Any], now: str) -> None:
        if reply["entityExists"]:
            row = (entity.id, entity.name, entity.key, reply["entityState"], now)
            self._db.execute("INSERT OR REPLACE INTO entities VALUES (?,?,?,?,?)", row)
        else:
            self._db.execute("DELETE FROM entities WHERE id=?", (entity.id,))

    def purge(self, entity: str) -> bool:
        """Delete an entity's state; return whether it had one."""
        with self._db.transaction("purge"):
            return self._db.execute("DELETE FROM entities WHERE id=?", (entity,)).rowcount == 1

    def find(self, *, name: str, updated: tuple[str | None, str | None], after: str, top: int) -> list[Entity]:
        """Return entities in the order of their ids, after the id `after`; of all names if `name` is empty."""
        rows = self._db.execute(
            "SELECT id, name, key, state, updated FROM entities"
            " WHERE id>? AND (?='' OR name=?) AND updated>=? AND updated<=? ORDER BY id LIMIT ?",
            (after, name.lower(), name.lower(), updated[0] or "", updated[1] or "~", top),
        )
        return [Entity(*row) for row in rows]
