"""The SQLite file that holds the whole state of a host.

WAL with synchronous=NORMAL: a killed process loses nothing that was committed; a power cut may lose the last
transactions, but never leaves half of one.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from loopback.functions.fault_points import TRANSACTIONS, reach
from loopback.serving import CannotStart

APPLICATION_ID = 0x4C4F4F50  # "LOOP"
SCHEMA_VERSION = 2
SCHEMA = """
CREATE TABLE instances (
  id TEXT PRIMARY KEY, execution TEXT NOT NULL, name TEXT NOT NULL, version TEXT, input TEXT, output TEXT,
  custom_status TEXT, status TEXT NOT NULL, created TEXT NOT NULL, updated TEXT NOT NULL,
  parent TEXT, parent_execution TEXT, parent_task INTEGER
) WITHOUT ROWID;
CREATE INDEX instances_by_created ON instances (created, id);
CREATE INDEX instances_by_status ON instances (status, created, id);
CREATE TABLE events (
  instance TEXT NOT NULL, number INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (instance, number)
) WITHOUT ROWID;
CREATE TABLE messages (
  number INTEGER PRIMARY KEY AUTOINCREMENT, instance TEXT NOT NULL, execution TEXT, due TEXT, timer INTEGER,
  body TEXT NOT NULL
);
CREATE INDEX messages_by_instance ON messages (instance);
CREATE INDEX messages_by_due ON messages (due) WHERE due IS NOT NULL;
CREATE TABLE activities (
  number INTEGER PRIMARY KEY AUTOINCREMENT, instance TEXT NOT NULL, execution TEXT NOT NULL,
  task INTEGER NOT NULL, name TEXT NOT NULL, input TEXT
);
CREATE INDEX activities_by_instance ON activities (instance);
CREATE TABLE entities (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, key TEXT NOT NULL, state TEXT, updated TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE operations (number INTEGER PRIMARY KEY AUTOINCREMENT, entity TEXT NOT NULL, body TEXT NOT NULL);
CREATE INDEX operations_by_entity ON operations (entity);
CREATE TABLE invocations (
  number INTEGER PRIMARY KEY AUTOINCREMENT, function TEXT NOT NULL, body TEXT NOT NULL, tries INTEGER NOT NULL,
  due TEXT NOT NULL, queued TEXT NOT NULL
);
CREATE TABLE poison (
  number INTEGER PRIMARY KEY AUTOINCREMENT, function TEXT NOT NULL, body TEXT NOT NULL, tries INTEGER NOT NULL,
  error TEXT NOT NULL, failed TEXT NOT NULL
);
CREATE TABLE schedules (function TEXT PRIMARY KEY, last TEXT NOT NULL) WITHOUT ROWID;
"""


class Database:
    """A connection for one thread. A second host on the same folder is refused."""

    def __init__(self, folder: Path) -> None:
        path = folder / "functions.db"
        self._lock = _locked(folder / "functions.lock")
        try:
            self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._prepare(path)
        except sqlite3.DatabaseError as error:
            raise CannotStart(f"the data file {str(path)!r} can't be used: {error}") from error

    def _prepare(self, path: Path) -> None:
        self.execute("PRAGMA journal_mode=WAL")
        self.execute("PRAGMA synchronous=NORMAL")
        mark, version = self.value("PRAGMA application_id"), self.value("PRAGMA user_version")
        if mark == 0 and self.value("SELECT count(*) FROM sqlite_master") == 0:
            marks = f"PRAGMA application_id={APPLICATION_ID}; PRAGMA user_version={SCHEMA_VERSION};"
            self._connection.executescript(f"BEGIN; {SCHEMA} {marks} COMMIT;")
        elif mark != APPLICATION_ID:
            raise CannotStart(f"the data file {str(path)!r} belongs to another program; use another --data")
        elif version != SCHEMA_VERSION:
            raise CannotStart(f"the data file {str(path)!r} was made by another version of this host; use --reset")

    def close(self) -> None:
        self._connection.close()
        self._lock.close()

    def execute(self, statement: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        return self._connection.execute(statement, values)

    def execute_many(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        self._connection.executemany(statement, rows)

    def value(self, statement: str, values: Sequence[Any] = ()) -> Any:
        """Return the only column of the first row; None without a row."""
        row = self._connection.execute(statement, values).fetchone()
        return row[0] if row else None

    @contextmanager
    def transaction(self, name: str) -> Iterator[None]:
        """Commit all changes of the block, or none if it raises; `name` is one of `fault_points.TRANSACTIONS`."""
        if name not in TRANSACTIONS:
            raise ValueError(name)
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        reach(f"{name}: before commit")
        self._connection.execute("COMMIT")
        reach(f"{name}: committed")

    @contextmanager
    def part_of_transaction(self) -> Iterator[None]:
        """Undo the changes of the block if it raises, and leave those of the transaction around it."""
        self._connection.execute("SAVEPOINT part")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK TO part")
            raise
        finally:
            self._connection.execute("RELEASE part")


def _locked(path: Path) -> sqlite3.Connection:
    """Take SQLite's own exclusive lock, which on every system ends with the process."""
    lock = sqlite3.connect(path, isolation_level=None, timeout=0, check_same_thread=False)
    try:
        lock.execute("PRAGMA locking_mode=EXCLUSIVE")
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        lock.close()
        raise CannotStart(f"the data folder {str(path.parent)!r} is in use by another host") from error
    except sqlite3.DatabaseError as error:
        lock.close()
        raise CannotStart(f"the data file {str(path)!r} can't be used: {error}") from error
    return lock
