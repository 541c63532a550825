"""All indexes, aliases and deferred writes, in one SQLite file beside the files of words and vectors.

A batch of documents is one transaction. With WAL and synchronous=NORMAL a killed process loses nothing that was
acknowledged; a power cut may lose the last moments.
"""

import json
import sqlite3
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from loopback.search.checks import index_from
from loopback.search.definitions import Index
from loopback.search.disk import data_files, delete_files, transaction
from loopback.search.documents import Document
from loopback.search.errors import ApiError, DamagedFile, bad_request
from loopback.search.table import Change, Table
from loopback.search.values import check_key
from loopback.serving import CannotStart

APPLICATION_ID = 0x4C425345  # "LBSE"
SCHEMA_VERSION = 1
"""Raised whenever words or documents are stored in another way."""
Action = tuple[str, Document]
"""upload, merge, mergeOrUpload or delete, and the document."""
Result = dict[str, Any]


class Store:
    """The indexes in a folder, used by one thread. Raises `CannotStart` when a data file can't be used."""

    def __init__(self, folder: Path, lag: float = 0) -> None:
        self._folder = folder
        path = folder / "search.db"
        try:
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._open(path)
            rows = self._db.execute("SELECT number, name, body FROM indexes ORDER BY name").fetchall()
            self.aliases: dict[str, str] = dict(self._db.execute("SELECT name, target FROM aliases ORDER BY name"))
            self.tables = {name: self._table(number, index_from(json.loads(body))) for number, name, body in rows}
            for table in self.tables.values():
                table.load()
        except DamagedFile as error:
            raise CannotStart(str(error)) from error
        except sqlite3.DatabaseError as error:
            raise CannotStart(f"the data file {str(path)!r} can't be used: {error}") from error
        used = {file for table in self.tables.values() for file in table.files()}
        delete_files(data_file for data_file in data_files(folder) if data_file not in used)
        self._to_index: deque[tuple[Table, Change]] = deque()
        self.set_lag(lag)

    def _open(self, path: Path) -> None:
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        application, version = (self._number_of(f"PRAGMA {name}") for name in ("application_id", "user_version"))
        if application == 0 and self._number_of("SELECT count(*) FROM sqlite_master") == 0:
            self._create(path)
        elif application != APPLICATION_ID:
            raise CannotStart(f"the data file {str(path)!r} belongs to something else: use another --data")
        elif version != SCHEMA_VERSION:
            raise CannotStart(f"the data file {str(path)!r} is of version {version}, not {SCHEMA_VERSION}: use --reset")

    def _number_of(self, query: str) -> int:
        return int(self._db.execute(query).fetchone()[0])

    def _create(self, path: Path) -> None:
        if leftover := data_files(self._folder):
            raise CannotStart(f"the data file {str(path)!r} is missing, but {leftover[0].name!r} exists: use --reset")
        with transaction(self._db):
            self._db.execute("CREATE TABLE indexes (number INTEGER PRIMARY KEY AUTOINCREMENT, name UNIQUE, body)")
            self._db.execute("CREATE TABLE aliases (name TEXT PRIMARY KEY, target TEXT)")
            self._db.execute("CREATE TABLE pending (number INTEGER PRIMARY KEY, name, due REAL, key, action, body)")
            self._db.execute("CREATE INDEX pending_keys ON pending (name, key)")
            self._db.execute(f"PRAGMA application_id={APPLICATION_ID}")
            self._db.execute(f"PRAGMA user_version={SCHEMA_VERSION}")

    def _table(self, number: int, index: Index) -> Table:
        return Table(self._db, self._folder, number, index)

    def close(self) -> None:
        self._db.close()

    def table_of_index(self, name: str) -> Table:
        """Return the table of an index; raises 404."""
        table = self.tables.get(name)
        if table is None:
            raise ApiError(404, f"The index '{name}' was not found.", "ResourceNotFound")
        return table

    def table(self, name: str) -> Table:
        """Return the table of an index or alias, with every write that is visible by now; raises 404."""
        self.index_written()
        self.apply_due()
        return self.table_of_index(self.aliases.get(name, name))

    def define(self, index: Index) -> bool:
        """Create or update an index; returns whether it is new. Fields may be added, but not changed."""
        self.index_written()
        if index.name in self.aliases:
            raise bad_request(f"There is an alias named '{index.name}'; an index can't have the same name.")
        old = self.tables.get(index.name)
        if old is None:
            with transaction(self._db):
                table = self._new_table(index)
            table.load()
            self.tables[index.name] = table
            return True
        fields = old.index.fields
        changed = sorted(name for name in fields if fields[name] != index.fields.get(name))
        if changed:
            names = ", ".join(map(repr, changed))
            raise bad_request(f"Existing field(s) {names} of index '{index.name}' cannot be changed.")
        with transaction(self._db):
            self._db.execute("UPDATE indexes SET body=? WHERE name=?", (json.dumps(index.body), index.name))
            old.redefine(index)
        return False

    def _new_table(self, index: Index) -> Table:
        """Create an empty table, in a transaction. Its number is new, so it can't pick up a leftover file."""
        row = (index.name, json.dumps(index.body))
        number = self._db.execute("INSERT INTO indexes (name, body) VALUES (?,?)", row).lastrowid
        table = self._table(int(number or 0), index)
        table.create()
        return table

    def drop(self, name: str) -> None:
        """Delete an index and its deferred writes; raises 400 when an alias points at it."""
        self.index_written()
        table = self.table_of_index(name)
        if aliases := [alias for alias, target in self.aliases.items() if target == name]:
            raise bad_request(f"The index '{name}' can't be deleted: the alias '{aliases[0]}' points at it.")
        with transaction(self._db):
            table.drop()
            self._db.execute("DELETE FROM pending WHERE name=?", (name,))
            self._db.execute("DELETE FROM indexes WHERE name=?", (name,))
        del self.tables[name]
        delete_files(table.files())

    def set_alias(self, alias: str, target: str) -> bool:
        """Create an alias or point it at another index; returns whether it is new."""
        if alias in self.tables:
            raise bad_request(f"There is an index named '{alias}'; an alias can't have the same name.")
        if target not in self.tables:
            raise bad_request(f"The alias '{alias}' can't point at '{target}': there is no such index.")
        new = alias not in self.aliases
        self._db.execute("INSERT OR REPLACE INTO aliases VALUES (?,?)", (alias, target))
        self.aliases[alias] = target
        return new

    def delete_alias(self, alias: str) -> None:
        if self.aliases.pop(alias, None) is None:
            raise ApiError(404, f"The alias '{alias}' was not found.", "ResourceNotFound")
        self._db.execute("DELETE FROM aliases WHERE name=?", (alias,))

    def write(self, name: str, actions: Sequence[Action]) -> list[Result]:
        """Write a batch in one transaction; returns one result per action, each of which may fail alone."""
        table = self.table(name)
        if not self._lag:
            return self._write_now(table, actions)
        due = time.time() + self._lag
        with transaction(self._db):
            results = [_result(table, action, lambda action: self._defer(table, due, action)) for action in actions]
        self._next_due = self._first_due()
        return results

    def _write_now(self, table: Table, actions: Sequence[Action]) -> list[Result]:
        change = Change()
        with transaction(self._db):
            results = [_result(table, action, lambda action: table.write(*action, change)) for action in actions]
            table.write_vectors(change)
        self._to_index.append((table, change))
        return results

    def index_written(self) -> None:
        """Index committed writes. Their senders have been answered; every reader comes after this."""
        while self._to_index:
            table, change = self._to_index.popleft()
            table.apply(change)
            table.flush()
            if table.needs_compaction and not self._to_index:
                self._compact(table)

    def _compact(self, table: Table) -> None:
        """Rewrite an index without its deleted rows; the commit switches from all old files to all new ones."""
        with transaction(self._db):
            self._db.execute("DELETE FROM indexes WHERE name=?", (table.index.name,))
            new = self._new_table(table.index)
            table.copy_to(new)
            table.drop()
        new.load()
        self.tables[table.index.name] = new
        delete_files(table.files())

    def _defer(self, table: Table, due: float, action: Action) -> int:
        """Check an action as if it were done now, and store it until it is due; returns its status code."""
        kind, document = action
        key = check_key(document.get(table.index.key.name))
        query = "SELECT action FROM pending WHERE name=? AND key=? ORDER BY number DESC LIMIT 1"
        last = self._db.execute(query, (table.index.name, key)).fetchone()
        exists = last[0] != "delete" if last else table.documents.get(key) is not None
        if kind != "delete":
            table.stored_values(document)
        if kind == "merge" and not exists:
            raise ApiError(404, "Document not found.")
        row = (table.index.name, due, key, kind, json.dumps(document))
        self._db.execute("INSERT INTO pending (name, due, key, action, body) VALUES (?,?,?,?,?)", row)
        return 200 if exists or kind == "delete" else 201

    def _first_due(self) -> float | None:
        due: float | None = self._db.execute("SELECT min(due) FROM pending").fetchone()[0]
        return due

    def apply_due(self) -> None:
        """Make deferred writes visible that are due, in the order they were written."""
        while self._next_due is not None and self._next_due <= time.time():
            query = "SELECT number, name, action, body FROM pending WHERE due<=? ORDER BY number LIMIT 1000"
            rows = self._db.execute(query, (time.time(),)).fetchall()
            name = rows[0][1]
            same_index = [row for row in rows if row[1] == name]
            self._write_now(self.tables[name], [(action, json.loads(body)) for _, _, action, body in same_index])
            self._db.executemany("DELETE FROM pending WHERE number=?", [(row[0],) for row in same_index])
            self._next_due = self._first_due()
            self.index_written()

    def set_lag(self, seconds: float) -> None:
        """Set how long new writes stay invisible; deferred writes wait no longer than that either."""
        self._lag = seconds
        self._db.execute("UPDATE pending SET due=min(due, ?)", (time.time() + seconds,))
        self._next_due = self._first_due()


def _result(table: Table, action: Action, work: Callable[[Action], int]) -> Result:
    key = action[1].get(table.index.key.name)
    try:
        status = work(action)
    except ApiError as error:
        return {"key": key, "status": False, "errorMessage": str(error), "statusCode": error.status}
    return {"key": key, "status": True, "errorMessage": None, "statusCode": status}
