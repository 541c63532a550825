"""Indexes, aliases and what is not visible yet, in one SQLite file beside the vectors.

One transaction per batch of documents. WAL with synchronous=NORMAL: a killed process loses nothing that was
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
from loopback.search.disk import data_files, remove, transaction
from loopback.search.documents import Document
from loopback.search.problems import Damaged, ServiceProblem, bad
from loopback.search.table import Change, Table
from loopback.search.values import check_key
from loopback.serving import CannotStart

APPLICATION_ID = 0x4D555255  # "MURU"
OLD_APPLICATION_IDS = (0x4D555253, 0x4D555254)  # "MURS", "MURT": words were kept in other ways
Action = tuple[str, Document]
Result = dict[str, Any]


class Store:
    """All indexes. All access is from one thread."""

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
        except Damaged as error:
            raise CannotStart(str(error)) from error
        except sqlite3.DatabaseError as error:
            raise CannotStart(f"the data file {str(path)!r} can't be used: {error}") from error
        used = {file for table in self.tables.values() for file in table.files()}
        remove(data_file for data_file in data_files(folder) if data_file not in used)
        self._unfinished: deque[tuple[Table, Change]] = deque()
        self.set_lag(lag)

    def _open(self, path: Path) -> None:
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        mark = self._db.execute("PRAGMA application_id").fetchone()[0]
        empty = self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
        if mark == 0 and empty:
            self._create(path)
        elif mark in OLD_APPLICATION_IDS:
            raise CannotStart(f"the data file {str(path)!r} is of an older version of this service; use --reset")
        elif mark != APPLICATION_ID:
            raise CannotStart(f"the data file {str(path)!r} belongs to something else; use another --data")

    def _create(self, path: Path) -> None:
        if left := data_files(self._folder):
            raise CannotStart(f"the data file {str(path)!r} is missing, {left[0].name!r} is there; use --reset")
        with transaction(self._db):
            self._db.execute("CREATE TABLE indexes (number INTEGER PRIMARY KEY AUTOINCREMENT, name UNIQUE, body)")
            self._db.execute("CREATE TABLE aliases (name TEXT PRIMARY KEY, target TEXT)")
            self._db.execute("CREATE TABLE pending (place INTEGER PRIMARY KEY, name TEXT, due REAL, key, action, body)")
            self._db.execute("CREATE INDEX pending_keys ON pending (name, key)")
            self._db.execute(f"PRAGMA application_id={APPLICATION_ID}")

    def _table(self, number: int, index: Index) -> Table:
        return Table(self._db, self._folder, number, index)

    def close(self) -> None:
        self._db.close()

    def index(self, name: str) -> Table:
        found = self.tables.get(name)
        if found is None:
            raise ServiceProblem(404, f"The index '{name}' was not found.", "ResourceNotFound")
        return found

    def table(self, name: str) -> Table:
        """The index of this name or alias, with all that is visible by now."""
        self.finish()
        self.settle()
        return self.index(self.aliases.get(name, name))

    def define(self, index: Index) -> bool:
        """Create or update an index; returns whether it is new. Fields may be added, nothing else about them."""
        self.finish()
        if index.name in self.aliases:
            raise bad(f"There is an alias named '{index.name}'; an index can't have the same name.")
        old = self.tables.get(index.name)
        if old is None:
            with transaction(self._db):
                table = self._new_table(index)
            table.load()
            self.tables[index.name] = table
            return True
        before = old.index.fields
        changed = sorted(name for name in before if before[name] != index.fields.get(name))
        if changed:
            raise bad(f"Existing field(s) {', '.join(map(repr, changed))} of index '{index.name}' cannot be changed.")
        with transaction(self._db):
            self._db.execute("UPDATE indexes SET body=? WHERE name=?", (json.dumps(index.body), index.name))
            old.add_fields(index)
        return False

    def _new_table(self, index: Index) -> Table:
        """An empty one, in a transaction. Its number has never been used, so no file left over is taken for its."""
        row = (index.name, json.dumps(index.body))
        number = self._db.execute("INSERT INTO indexes (name, body) VALUES (?,?)", row).lastrowid
        table = self._table(int(number or 0), index)
        table.create()
        return table

    def drop(self, name: str) -> None:
        self.finish()
        table = self.index(name)
        if used := [alias for alias, target in self.aliases.items() if target == name]:
            raise bad(f"The index '{name}' can't be deleted: the alias '{used[0]}' points at it.")
        with transaction(self._db):
            table.drop()
            self._db.execute("DELETE FROM pending WHERE name=?", (name,))
            self._db.execute("DELETE FROM indexes WHERE name=?", (name,))
        del self.tables[name]
        remove(table.files())

    def point(self, alias: str, target: str) -> bool:
        """Make an alias, or point it elsewhere; returns whether it is new."""
        if alias in self.tables:
            raise bad(f"There is an index named '{alias}'; an alias can't have the same name.")
        if target not in self.tables:
            raise bad(f"The alias '{alias}' can't point at '{target}': there is no such index.")
        new = alias not in self.aliases
        self._db.execute("INSERT OR REPLACE INTO aliases VALUES (?,?)", (alias, target))
        self.aliases[alias] = target
        return new

    def unpoint(self, alias: str) -> None:
        if self.aliases.pop(alias, None) is None:
            raise ServiceProblem(404, f"The alias '{alias}' was not found.", "ResourceNotFound")
        self._db.execute("DELETE FROM aliases WHERE name=?", (alias,))

    def write(self, name: str, actions: Sequence[Action]) -> list[Result]:
        """A batch in one transaction; one result per action, of which each may fail alone."""
        table = self.table(name)
        if not self._lag:
            return self._now(table, actions)
        due = time.time() + self._lag
        with transaction(self._db):
            results = [_result(table, each, lambda action: self._later(table, due, action)) for each in actions]
        self._next_due = self._first_due()
        return results

    def _now(self, table: Table, actions: Sequence[Action]) -> list[Result]:
        change = Change()
        with transaction(self._db):
            results = [_result(table, each, lambda action: table.write(*action, change)) for each in actions]
            table.write_vectors(change)
        self._unfinished.append((table, change))
        return results

    def finish(self) -> None:
        """Index what was committed. Who wrote it has been answered already; whoever reads comes after this."""
        while self._unfinished:
            table, change = self._unfinished.popleft()
            table.apply(change)
            table.freeze()
            if table.is_wasteful and not self._unfinished:
                self._compact(table)

    def _compact(self, table: Table) -> None:
        """Write an index anew, without what was deleted or replaced; the commit switches from all old to all new."""
        with transaction(self._db):
            self._db.execute("DELETE FROM indexes WHERE name=?", (table.index.name,))
            new = self._new_table(table.index)
            table.copy(new)
            table.drop()
        new.load()
        self.tables[table.index.name] = new
        remove(table.files())

    def _later(self, table: Table, due: float, action: Action) -> int:
        """Check an action as if it were done, and keep it until it is due; returns its status code."""
        kind, document = action
        key = check_key(document.get(table.index.key.name))
        query = "SELECT action FROM pending WHERE name=? AND key=? ORDER BY place DESC LIMIT 1"
        last = self._db.execute(query, (table.index.name, key)).fetchone()
        there = last[0] != "delete" if last else table.documents.get(key) is not None
        if kind != "delete":
            table.checked(document)
        if kind == "merge" and not there:
            raise ServiceProblem(404, "Document not found.")
        row = (table.index.name, due, key, kind, json.dumps(document))
        self._db.execute("INSERT INTO pending (name, due, key, action, body) VALUES (?,?,?,?,?)", row)
        return 200 if there or kind == "delete" else 201

    def _first_due(self) -> float | None:
        due: float | None = self._db.execute("SELECT min(due) FROM pending").fetchone()[0]
        return due

    def settle(self) -> None:
        """Make visible what is due, in the order it was written."""
        while self._next_due is not None and self._next_due <= time.time():
            query = "SELECT place, name, action, body FROM pending WHERE due<=? ORDER BY place LIMIT 1000"
            rows = self._db.execute(query, (time.time(),)).fetchall()
            name = rows[0][1]
            same = [row for row in rows if row[1] == name]
            self._now(self.tables[name], [(action, json.loads(body)) for _, _, action, body in same])
            self._db.executemany("DELETE FROM pending WHERE place=?", [(row[0],) for row in same])
            self._next_due = self._first_due()
            self.finish()

    def set_lag(self, seconds: float) -> None:
        """How long writes stay invisible from now on; what waits already waits no longer than that."""
        self._lag = seconds
        self._db.execute("UPDATE pending SET due=min(due, ?)", (time.time() + seconds,))
        self._next_due = self._first_due()


def _result(table: Table, action: Action, work: Callable[[Action], int]) -> Result:
    key = action[1].get(table.index.key.name)
    try:
        status = work(action)
    except ServiceProblem as problem:
        return {"key": key, "status": False, "errorMessage": str(problem), "statusCode": problem.status}
    return {"key": key, "status": True, "errorMessage": None, "statusCode": status}
