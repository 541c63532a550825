"""Instances, histories, messages and outstanding activities, in one SQLite file.

Everything one episode changes is one transaction. WAL with synchronous=NORMAL: a killed process loses nothing
that was committed; a power cut may lose the last moments, but never leaves half of a transaction.
"""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from local.functions_host.protocol import Event, parse_timestamp, timestamp
from local.serving import CannotStart

APPLICATION_ID = 0x4D555246  # "MURF"
SCHEMA = """
CREATE TABLE instances (
  id TEXT PRIMARY KEY, execution TEXT NOT NULL, name TEXT NOT NULL, version TEXT, input TEXT, output TEXT,
  custom_status TEXT, status TEXT NOT NULL, created TEXT NOT NULL, updated TEXT NOT NULL,
  parent TEXT, parent_execution TEXT, parent_task INTEGER
) WITHOUT ROWID;
CREATE INDEX instances_by_created ON instances (created, id);
CREATE TABLE events (
  instance TEXT NOT NULL, number INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (instance, number)
) WITHOUT ROWID;
CREATE TABLE messages (
  number INTEGER PRIMARY KEY AUTOINCREMENT, instance TEXT NOT NULL, execution TEXT, due TEXT, body TEXT NOT NULL
);
CREATE INDEX messages_by_instance ON messages (instance);
CREATE INDEX messages_by_due ON messages (due) WHERE due IS NOT NULL;
CREATE TABLE activities (
  number INTEGER PRIMARY KEY AUTOINCREMENT, instance TEXT NOT NULL, execution TEXT NOT NULL,
  task INTEGER NOT NULL, name TEXT NOT NULL, input TEXT
);
CREATE INDEX activities_by_instance ON activities (instance);
"""


@dataclass
class Instance:
    """A row of `instances`. `input`, `output` and `custom_status` are JSON texts, or None."""

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
    def over(self) -> bool:
        return self.status in ("Completed", "Failed", "Terminated")


@dataclass(frozen=True)
class Message:
    """An event on its way to an instance. `execution` None: to whichever execution there is."""

    number: int
    instance: str
    execution: str | None
    body: Event


@dataclass(frozen=True)
class ActivityTask:
    number: int
    instance: str
    execution: str
    task: int
    name: str
    input: str | None


class Store:
    """All access is from one thread."""

    def __init__(self, folder: Path) -> None:
        path = folder / "functions.db"
        try:
            self._lock = _locked(folder / "functions.lock")
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._prepare(path)
        except sqlite3.DatabaseError as error:
            raise CannotStart(f"the data file {str(path)!r} can't be used: {error}") from error
        self._columns = ", ".join(Instance.__dataclass_fields__)

    def _prepare(self, path: Path) -> None:
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        mark = self._db.execute("PRAGMA application_id").fetchone()[0]
        empty = self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
        if mark == 0 and empty:
            self._db.executescript(f"BEGIN; {SCHEMA} PRAGMA application_id={APPLICATION_ID}; COMMIT;")
        elif mark != APPLICATION_ID:
            raise CannotStart(f"the data file {str(path)!r} belongs to something else; use another --data")

    def close(self) -> None:
        self._db.close()
        self._lock.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def instance(self, instance: str) -> Instance | None:
        row = self._db.execute(f"SELECT {self._columns} FROM instances WHERE id=?", (instance,)).fetchone()  # noqa: S608
        return Instance(*row) if row else None

    def save(self, row: Instance) -> None:
        marks = ",".join("?" * len(Instance.__dataclass_fields__))
        values = tuple(vars(row).values())
        self._db.execute(f"INSERT OR REPLACE INTO instances ({self._columns}) VALUES ({marks})", values)  # noqa: S608

    def history(self, instance: str) -> list[Event]:
        rows = self._db.execute("SELECT body FROM events WHERE instance=? ORDER BY number", (instance,))
        return [json.loads(body) for (body,) in rows]

    def append(self, instance: str, first: int, events: Sequence[Event]) -> None:
        rows = [(instance, first + place, json.dumps(each)) for place, each in enumerate(events)]
        self._db.executemany("INSERT INTO events VALUES (?,?,?)", rows)

    def forget_history(self, instance: str) -> None:
        self._db.execute("DELETE FROM events WHERE instance=?", (instance,))

    def send(self, instance: str, body: Event, *, execution: str | None = None, due: datetime | None = None) -> None:
        when = timestamp(due) if due else None
        row = (instance, execution, when, json.dumps(body))
        self._db.execute("INSERT INTO messages (instance, execution, due, body) VALUES (?,?,?,?)", row)

    def messages(self, instance: str, now: datetime) -> list[Message]:
        """What has arrived, oldest first; timers when they are due."""
        rows = self._db.execute(
            "SELECT number, instance, execution, body FROM messages"
            " WHERE instance=? AND (due IS NULL OR due<=?) ORDER BY due IS NOT NULL, due, number",
            (instance, timestamp(now)),
        )
        return [Message(number, to, execution, json.loads(body)) for number, to, execution, body in rows]

    def received(self, messages: Sequence[Message]) -> None:
        self._db.executemany("DELETE FROM messages WHERE number=?", [(each.number,) for each in messages])

    def forget_timer(self, instance: str, timer: int) -> None:
        self._db.execute(
            "DELETE FROM messages WHERE instance=? AND due IS NOT NULL AND json_extract(body, '$.TimerId')=?",
            (instance, timer),
        )

    def forget_timers(self, instance: str) -> None:
        self._db.execute("DELETE FROM messages WHERE instance=? AND due IS NOT NULL", (instance,))

    def due_instances(self, now: datetime) -> list[str]:
        rows = self._db.execute("SELECT DISTINCT instance FROM messages WHERE due<=?", (timestamp(now),))
        return [instance for (instance,) in rows]

    def next_due(self) -> datetime | None:
        (due,) = self._db.execute("SELECT min(due) FROM messages WHERE due IS NOT NULL").fetchone()
        return parse_timestamp(due) if due else None

    def instances_with_messages(self) -> list[str]:
        rows = self._db.execute("SELECT DISTINCT instance FROM messages WHERE due IS NULL")
        return [instance for (instance,) in rows]

    def schedule(self, instance: str, execution: str, task: int, name: str, given: str | None) -> ActivityTask:
        row = (instance, execution, task, name, given)
        cursor = self._db.execute(
            "INSERT INTO activities (instance, execution, task, name, input) VALUES (?,?,?,?,?)", row
        )
        return ActivityTask(int(cursor.lastrowid or 0), *row)

    def outstanding(self) -> list[ActivityTask]:
        rows = self._db.execute("SELECT number, instance, execution, task, name, input FROM activities")
        return [ActivityTask(*row) for row in rows]

    def finish(self, activity: ActivityTask) -> bool:
        """Whether it was still wanted."""
        return self._db.execute("DELETE FROM activities WHERE number=?", (activity.number,)).rowcount == 1

    def forget_activities(self, instance: str) -> None:
        self._db.execute("DELETE FROM activities WHERE instance=?", (instance,))

    def purge(self, instance: str) -> None:
        self.forget_activities(instance)
        self._db.execute("DELETE FROM messages WHERE instance=?", (instance,))
        self.forget_history(instance)
        self._db.execute("DELETE FROM instances WHERE id=?", (instance,))

    def find(
        self,
        *,
        prefix: str = "",
        created_from: str | None = None,
        created_to: str | None = None,
        statuses: Sequence[str] = (),
        after: tuple[str, str] | None = None,
        top: int = 100,
    ) -> list[Instance]:
        """Instances in the order of their creation, after the (created, id) `after`."""
        clauses = ["substr(id, 1, ?)=?"]
        values: list[str | int] = [len(prefix), prefix]
        for clause, value in (("created>=?", created_from), ("created<=?", created_to)):
            if value is not None:
                clauses.append(clause)
                values.append(value)
        if statuses:
            clauses.append(f"status IN ({','.join('?' * len(statuses))})")
            values.extend(statuses)
        if after is not None:
            clauses.append("(created, id)>(?,?)")
            values.extend(after)
        where = " AND ".join(clauses)
        query = f"SELECT {self._columns} FROM instances WHERE {where} ORDER BY created, id LIMIT ?"  # noqa: S608
        return [Instance(*row) for row in self._db.execute(query, (*values, top))]


def _locked(path: Path) -> sqlite3.Connection:
    """Held as long as the process lives, on every system: SQLite's own exclusive lock."""
    lock = sqlite3.connect(path, isolation_level=None, timeout=0, check_same_thread=False)
    try:
        lock.execute("PRAGMA locking_mode=EXCLUSIVE")
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        lock.close()
        raise CannotStart(f"the data folder {str(path.parent)!r} is in use by another host") from error
    return lock
