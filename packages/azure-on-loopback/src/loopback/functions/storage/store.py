"""Instances, their histories, their messages and their outstanding activities, in the host's database."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from loopback.functions.protocol import Event, parse_timestamp, timestamp
from loopback.functions.storage.database import Database

ENDED = ("Completed", "Failed", "Terminated")


@dataclass
class Instance:
    """A row of `instances`. `input`, `output` and `custom_status` are JSON texts or None."""

    id: str
    execution: str
    name: str
    version: str | None
    input: str | None
    output: str | None
    custom_status: str | None
    status: str
    created: str
    updated: str
    parent: str | None
    parent_execution: str | None
    parent_task: int | None

    @property
    def ended(self) -> bool:
        return self.status in ENDED


@dataclass(frozen=True)
class Message:
    """An event on its way to an instance. With `execution` None it is for the instance's current execution."""

    number: int
    execution: str | None
    body: str


@dataclass(frozen=True)
class ActivityTask:
    """A call of an activity that has not been answered."""

    number: int
    instance: str
    execution: str
    task: int
    name: str
    input: str | None


@dataclass(frozen=True)
class Filter:
    """A condition on instances; its times are timestamps as on the wire."""

    prefix: str = ""
    created_from: str | None = None
    created_to: str | None = None
    statuses: Sequence[str] = ()


_COLUMNS = ", ".join(Instance.__dataclass_fields__)
_PLACEHOLDERS = ",".join("?" * len(Instance.__dataclass_fields__))
_SAVE = f"INSERT OR REPLACE INTO instances ({_COLUMNS}) VALUES ({_PLACEHOLDERS})"  # noqa: S608 - names of our own fields
_LOAD = f"SELECT {_COLUMNS} FROM instances WHERE id=?"  # noqa: S608 - names of our own fields


class Store:
    """Reads and writes rows. The caller opens the transactions."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self.transaction = database.transaction
        self.part_of_transaction = database.part_of_transaction

    def instance(self, instance: str) -> Instance | None:
        row = self._db.execute(_LOAD, (instance,)).fetchone()
        return Instance(*row) if row else None

    def save(self, row: Instance) -> None:
        self._db.execute(_SAVE, tuple(vars(row).values()))

    def history(self, instance: str) -> list[str]:
        rows = self._db.execute("SELECT body FROM events WHERE instance=? ORDER BY number", (instance,))
        return [body for (body,) in rows]

    def append(self, instance: str, first: int, events: Sequence[str]) -> None:
        """Add events to a history; `first` is the number of the first of them."""
        rows = [(instance, number, event) for number, event in enumerate(events, start=first)]
        self._db.execute_many("INSERT INTO events VALUES (?,?,?)", rows)

    def delete_history(self, instance: str) -> None:
        self._db.execute("DELETE FROM events WHERE instance=?", (instance,))

    def send(self, instance: str, body: Event, *, execution: str | None = None, due: datetime | None = None) -> None:
        """Leave a message for an instance, which it receives at the time `due`."""
        row = (instance, execution, timestamp(due) if due else None, body.get("TimerId"), json.dumps(body))
        self._db.execute("INSERT INTO messages (instance, execution, due, timer, body) VALUES (?,?,?,?,?)", row)

    def messages(self, instance: str, now: datetime) -> list[Message]:
        """Return the messages that have arrived, oldest first, and the timers that are due."""
        rows = self._db.execute(
            "SELECT number, execution, body FROM messages"
            " WHERE instance=? AND (due IS NULL OR due<=?) ORDER BY due IS NOT NULL, due, number",
            (instance, timestamp(now)),
        )
        return [Message(*row) for row in rows]

    def delete_messages(self, messages: Sequence[Message]) -> None:
        self._db.execute_many("DELETE FROM messages WHERE number=?", [(message.number,) for message in messages])

    def delete_timer(self, instance: str, timer: int) -> None:
        self._db.execute("DELETE FROM messages WHERE instance=? AND timer=?", (instance, timer))

    def delete_timers(self, instance: str) -> None:
        self._db.execute("DELETE FROM messages WHERE instance=? AND due IS NOT NULL", (instance,))

    def due_instances(self, now: datetime) -> list[str]:
        rows = self._db.execute("SELECT DISTINCT instance FROM messages WHERE due<=?", (timestamp(now),))
        return [instance for (instance,) in rows]

    def next_due(self, after: datetime) -> datetime | None:
        """Return the time of the first timer that is due later than `after`."""
        due = self._db.value("SELECT min(due) FROM messages WHERE due>?", (timestamp(after),))
        return parse_timestamp(due) if due else None

    def instances_with_messages(self) -> list[str]:
        rows = self._db.execute("SELECT DISTINCT instance FROM messages WHERE due IS NULL")
        return [instance for (instance,) in rows]

    def schedule(self, instance: str, execution: str, task: int, name: str, input_json: str | None) -> ActivityTask:
        row = (instance, execution, task, name, input_json)
        cursor = self._db.execute(
            "INSERT INTO activities (instance, execution, task, name, input) VALUES (?,?,?,?,?)", row
        )
        return ActivityTask(int(cursor.lastrowid or 0), *row)

    def outstanding_activities(self) -> list[ActivityTask]:
        rows = self._db.execute("SELECT number, instance, execution, task, name, input FROM activities")
        return [ActivityTask(*row) for row in rows]

    def finish(self, activity: ActivityTask) -> bool:
        """Delete an outstanding activity; return whether it was still there, since its instance may have ended."""
        return self._db.execute("DELETE FROM activities WHERE number=?", (activity.number,)).rowcount == 1

    def delete_activities(self, instance: str) -> None:
        self._db.execute("DELETE FROM activities WHERE instance=?", (instance,))

    def purge(self, instance: str) -> None:
        self.delete_activities(instance)
        self._db.execute("DELETE FROM messages WHERE instance=?", (instance,))
        self.delete_history(instance)
        self._db.execute("DELETE FROM instances WHERE id=?", (instance,))

    def find(self, wanted: Filter, *, after: tuple[str, str] = ("", ""), top: int) -> list[Instance]:
        """Return instances in the order of their creation, after the (created, id) `after`."""
        condition, values = _condition(wanted)
        condition = f"(created, id)>(?,?) AND {condition}"
        query = f"SELECT {_COLUMNS} FROM instances WHERE {condition} ORDER BY created, id LIMIT ?"  # noqa: S608
        return [Instance(*row) for row in self._db.execute(query, (*after, *values, top))]

    def ended_ids(self, wanted: Filter) -> list[str]:
        """Return the ids of the instances that have ended."""
        condition, values = _condition(wanted)
        query = f"SELECT id FROM instances WHERE {condition} AND status IN (?,?,?)"  # noqa: S608
        return [instance for (instance,) in self._db.execute(query, (*values, *ENDED))]


def _condition(wanted: Filter) -> tuple[str, list[str]]:
    """Return a filter as an SQL condition, with the values for its placeholders."""
    clauses: list[str] = ["1"]
    values: list[str] = []
    if wanted.prefix:
        clauses.append("id>=? AND id<?")
        values += [wanted.prefix, wanted.prefix + chr(0x10FFFF)]
    for clause, value in (("created>=?", wanted.created_from), ("created<=?", wanted.created_to)):
        if value is not None:
            clauses.append(clause)
            values.append(value)
    if wanted.statuses:
        clauses.append(f"status IN ({','.join('?' * len(wanted.statuses))})")
        values += wanted.statuses
    return " AND ".join(clauses), values
