"""Entities: a state each, and operations that are done one after the other.

Everything that has arrived for an entity is one batch and one call of its function; its new state and the answers
to its callers are one transaction.
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
"""`op`, and perhaps `input` (JSON), `signal`; of a call `id`, `parent` and `execution`, to answer to."""


@dataclass(frozen=True)
class Entity:
    id: str
    name: str
    key: str
    state: str | None
    """JSON; None while the entity has none, or has been deleted."""
    updated: str
    exists: bool = True


@dataclass(frozen=True)
class Batch:
    """What one call of an entity's function is to do."""

    entity: Entity
    numbers: Sequence[int]
    operations: Sequence[Operation]

    def request(self) -> str:
        """The body of the call, as the extension sends it."""
        entity = self.entity
        batch = [
            {"name": operation["op"], "input": operation.get("input"), "isSignal": bool(operation.get("signal"))}
            for operation in self.operations
        ]
        own = {"name": entity.name, "key": entity.key}
        return json.dumps({"self": own, "exists": entity.exists, "state": entity.state, "batch": batch})

    def failed(self, problem: str) -> dict[str, Any]:
        """The reply of a function that could not be called at all: the state stays as it was."""
        result = {"isError": True, "duration": 0, "startTime": 0, "result": json.dumps(problem)}
        return {
            "entityExists": self.entity.exists,
            "entityState": self.entity.state,
            "results": [result] * len(self.operations),
        }


def entity_id(name: str, key: str) -> str:
    return f"@{name.lower()}@{key}"


class Entities:
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
        """Inside of the sender's transaction."""
        self._db.execute("INSERT INTO operations (entity, body) VALUES (?,?)", (entity, json.dumps(operation)))

    def signal(self, entity: str, operation: str, given: str | None) -> None:
        """From outside; `given` is JSON."""
        asked = {"op": operation, "signal": True, "id": str(uuid.uuid4())} | ({} if given is None else {"input": given})
        with self._db.transaction("signal"):
            self.send(entity, asked)

    def has_queued(self, operation: str) -> bool:
        """Whether a call, by its id, has not been carried out yet."""
        return bool(self._db.value("SELECT 1 FROM operations WHERE json_extract(body, '$.id')=?", (operation,)))

    def waiting(self) -> list[str]:
        return [entity for (entity,) in self._db.execute("SELECT DISTINCT entity FROM operations")]

    def due(self, entity: str) -> Batch | None:
        rows = self._db.execute("SELECT number, body FROM operations WHERE entity=? ORDER BY number", (entity,))
        found = rows.fetchall()
        if not found:
            return None
        return Batch(self.read(entity), [number for number, _ in found], [json.loads(body) for _, body in found])

    def commit(self, batch: Batch, reply: Mapping[str, Any]) -> list[str]:
        """Keep the state, answer the callers; returns the instances to wake."""
        entity, now, woken = batch.entity, self._clock.now(), []
        with self._db.transaction("entity"):
            self._db.execute_many("DELETE FROM operations WHERE number=?", [(number,) for number in batch.numbers])
            self._save(entity, reply, wire.timestamp(now))
            for operation, result in zip(batch.operations, reply["results"], strict=True):
                if operation.get("signal"):
                    continue
                answer = {"result": result["result"]} | ({"exceptionType": "Error"} if result["isError"] else {})
                told = wire.event(wire.EVENT_RAISED, now, Name=operation["id"], Input=json.dumps(answer))
                self._store.send(operation["parent"], told, execution=operation["execution"])
                woken.append(operation["parent"])
        return woken

    def _save(self, entity: Entity, reply: Mapping[str, Any], now: str) -> None:
        if reply["entityExists"]:
            row = (entity.id, entity.name, entity.key, reply["entityState"], now)
            self._db.execute("INSERT OR REPLACE INTO entities VALUES (?,?,?,?,?)", row)
        else:
            self._db.execute("DELETE FROM entities WHERE id=?", (entity.id,))

    def purge(self, entity: str) -> bool:
        """Forget its state; whether it had one."""
        with self._db.transaction("purge"):
            return self._db.execute("DELETE FROM entities WHERE id=?", (entity,)).rowcount == 1

    def find(self, *, name: str, updated: tuple[str | None, str | None], after: str, top: int) -> list[Entity]:
        """Entities in the order of their ids, after the id `after`; all names when `name` is empty."""
        rows = self._db.execute(
            "SELECT id, name, key, state, updated FROM entities"
            " WHERE id>? AND (?='' OR name=?) AND updated>=? AND updated<=? ORDER BY id LIMIT ?",
            (after, name.lower(), name.lower(), updated[0] or "", updated[1] or "~", top),
        )
        return [Entity(*row) for row in rows]
