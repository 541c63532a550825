"""Indexes and documents in one SQLite file: filters in SQL, words in FTS5, vectors beside them.

One transaction per batch of documents. WAL with synchronous=NORMAL: a killed process loses nothing that was
acknowledged.
"""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from local.search_service.definitions import Index, check_key, checked, index_from
from local.search_service.odata import Clause, column
from local.search_service.problems import ServiceProblem, bad
from local.search_service.vectors import VectorField
from local.serving import CannotStart

APPLICATION_ID = 0x4D555253  # "MURS"
Document = dict[str, Any]


class Table:
    """The documents of one index."""

    def __init__(self, db: sqlite3.Connection, number: int, index: Index) -> None:
        self._db = db
        self.index = index
        self._documents, self._words, self._numbers = f"documents_{number}", f"words_{number}", f"vectors_{number}"
        self._vectors: dict[str, VectorField] | None = None

    def create(self) -> None:
        self._db.execute(f"CREATE TABLE {self._documents} (row INTEGER PRIMARY KEY, key TEXT UNIQUE, body TEXT)")
        self._db.execute(
            f"CREATE TABLE {self._numbers}"
            " (field TEXT, row INTEGER, vector BLOB, PRIMARY KEY (field, row)) WITHOUT ROWID"
        )
        self._create_filters()
        self._create_words()

    def _create_filters(self) -> None:
        for field in self.index.fields.values():
            if field.filterable and not field.key and not field.type.startswith("Collection("):
                name = f"{self._documents}_{field.name}"
                self._db.execute(f"CREATE INDEX IF NOT EXISTS {name} ON {self._documents} ({column(field)})")

    def _create_words(self) -> None:
        if self.index.text_fields:
            columns = ", ".join(field.name for field in self.index.text_fields)
            self._db.execute(f"CREATE VIRTUAL TABLE {self._words} USING fts5({columns}, tokenize='porter unicode61')")

    def grow(self, index: Index) -> None:
        """Take on a definition with more fields; documents have none of them yet."""
        searched = [field.name for field in self.index.text_fields]
        self.index, self._vectors = index, None
        self._create_filters()
        if searched != [field.name for field in index.text_fields]:
            self._db.execute(f"DROP TABLE IF EXISTS {self._words}")
            self._create_words()
            for row, body in self._db.execute(f"SELECT row, body FROM {self._documents}").fetchall():  # noqa: S608
                self._put_words(row, json.loads(body))

    def drop(self) -> None:
        for table in (self._documents, self._words, self._numbers):
            self._db.execute(f"DROP TABLE IF EXISTS {table}")

    @property
    def vectors(self) -> dict[str, VectorField]:
        if self._vectors is None:
            self._vectors = {field.name: VectorField(field.dimensions) for field in self.index.vector_fields}
            for name, row, blob in self._db.execute(f"SELECT field, row, vector FROM {self._numbers}"):  # noqa: S608
                self._vectors[name].put(row, np.frombuffer(blob, dtype=np.float32))
        return self._vectors

    def count(self) -> int:
        return int(self._db.execute(f"SELECT count(*) FROM {self._documents}").fetchone()[0])  # noqa: S608

    def get(self, key: str) -> Document | None:
        row = self._db.execute(f"SELECT body FROM {self._documents} WHERE key=?", (key,)).fetchone()  # noqa: S608
        return json.loads(row[0]) if row else None

    def bodies(self, rows: Sequence[int]) -> list[Document]:
        """In the order of `rows`."""
        marks = ",".join("?" * len(rows))
        query = f"SELECT row, body FROM {self._documents} WHERE row IN ({marks})"  # noqa: S608
        found = dict(self._db.execute(query, rows).fetchall())
        return [json.loads(found[row]) for row in rows]

    def matching(self, clause: Clause | None, order: str = "row") -> list[int]:
        """The rows that a filter lets through."""
        where, values = (clause.sql, clause.values) if clause else ("1", ())
        query = f"SELECT row FROM {self._documents} WHERE {where} ORDER BY {order}"  # noqa: S608
        return [row for (row,) in self._db.execute(query, values)]

    def by_words(
        self, match: str, clause: Clause | None, weights: Mapping[str, float], most: int
    ) -> list[tuple[int, float]]:
        """Rows and BM25 scores, best first."""
        factors = ", ".join(str(float(weights[field.name])) for field in self.index.text_fields)
        # `+rowid IN`: without the plus the planner looks up every filtered row in the index of words.
        among = f"AND +rowid IN (SELECT row FROM {self._documents} WHERE {clause.sql})" if clause else ""  # noqa: S608
        query = (
            f"SELECT rowid, -bm25({self._words}, {factors}) AS score FROM {self._words}"  # noqa: S608
            f" WHERE {self._words} MATCH ? {among} ORDER BY score DESC, rowid LIMIT ?"
        )
        values = (match, *(clause.values if clause else ()), most)
        return [(row, score) for row, score in self._db.execute(query, values)]

    def write(self, action: str, document: Document) -> int:
        """Do one action; returns its status code. Raises `ServiceProblem` with the document unchanged."""
        key = check_key(document.get(self.index.key.name))
        found = self._db.execute(f"SELECT row, body FROM {self._documents} WHERE key=?", (key,)).fetchone()  # noqa: S608
        if action == "delete":
            if found:
                self._remove(found[0])
            return 200
        if action == "merge" and not found:
            raise ServiceProblem(404, "Document not found.")
        given = {
            name: checked(self.index.field(name, "document"), value)
            for name, value in document.items()
            if not name.startswith("@")
        }
        names = {field.name for field in self.index.vector_fields}
        kept = {name: value for name, value in given.items() if name not in names}
        merging = found is not None and action in ("merge", "mergeOrUpload")
        body = {**json.loads(found[1]), **kept} if merging else kept
        row = self._put(key, body, found[0] if found else None)
        self._put_vectors(row, {name: value for name, value in given.items() if name in names}, merging=merging)
        return 200 if found else 201

    def _put(self, key: str, body: Document, row: int | None) -> int:
        text = json.dumps(body, ensure_ascii=False)
        if row is None:
            cursor = self._db.execute(f"INSERT INTO {self._documents} (key, body) VALUES (?,?)", (key, text))  # noqa: S608
            row = int(cursor.lastrowid or 0)
        else:
            self._db.execute(f"UPDATE {self._documents} SET body=? WHERE row=?", (text, row))  # noqa: S608
            self._forget_words(row)
        self._put_words(row, body)
        return row

    def _put_words(self, row: int, body: Document) -> None:
        if self.index.text_fields:
            values = [_text(body.get(field.name)) for field in self.index.text_fields]
            marks = ",".join("?" * (len(values) + 1))
            columns = ", ".join(field.name for field in self.index.text_fields)
            self._db.execute(f"INSERT INTO {self._words} (rowid, {columns}) VALUES ({marks})", (row, *values))  # noqa: S608

    def _put_vectors(self, row: int, given: Mapping[str, list[float] | None], *, merging: bool) -> None:
        for field in self.index.vector_fields:
            vector = given.get(field.name)
            if vector is not None:
                numbers = np.asarray(vector, dtype=np.float32)
                values = (field.name, row, numbers.tobytes())
                self._db.execute(f"INSERT OR REPLACE INTO {self._numbers} VALUES (?,?,?)", values)  # noqa: S608
                self.vectors[field.name].put(row, numbers)
            elif field.name in given or not merging:
                self._db.execute(f"DELETE FROM {self._numbers} WHERE field=? AND row=?", (field.name, row))  # noqa: S608
                self.vectors[field.name].remove(row)

    def _forget_words(self, row: int) -> None:
        if self.index.text_fields:
            self._db.execute(f"DELETE FROM {self._words} WHERE rowid=?", (row,))  # noqa: S608

    def _remove(self, row: int) -> None:
        self._forget_words(row)
        self._db.execute(f"DELETE FROM {self._documents} WHERE row=?", (row,))  # noqa: S608
        self._db.execute(f"DELETE FROM {self._numbers} WHERE row=?", (row,))  # noqa: S608
        for field in self.vectors.values():
            field.remove(row)

    def forget_cache(self) -> None:
        """After a transaction that was rolled back."""
        self._vectors = None


class Store:
    """All indexes. All access is from one thread."""

    def __init__(self, folder: Path) -> None:
        path = folder / "search.db"
        try:
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            mark = self._db.execute("PRAGMA application_id").fetchone()[0]
            empty = self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
            if mark == 0 and empty:
                self._db.execute("CREATE TABLE indexes (number INTEGER PRIMARY KEY, name TEXT UNIQUE, body TEXT)")
                self._db.execute(f"PRAGMA application_id={APPLICATION_ID}")
            elif mark != APPLICATION_ID:
                raise CannotStart(f"the data file {str(path)!r} belongs to something else; use another --data")
            rows = self._db.execute("SELECT number, name, body FROM indexes ORDER BY name").fetchall()
        except sqlite3.DatabaseError as error:
            raise CannotStart(f"the data file {str(path)!r} can't be used: {error}") from error
        self.tables = {name: Table(self._db, number, index_from(json.loads(body))) for number, name, body in rows}

    def close(self) -> None:
        self._db.close()

    def table(self, name: str) -> Table:
        found = self.tables.get(name)
        if found is None:
            raise ServiceProblem(404, f"The index '{name}' was not found.", "ResourceNotFound")
        return found

    def define(self, index: Index) -> bool:
        """Create or update an index; returns whether it is new. Existing fields can't change."""
        text = json.dumps(index.body)
        old = self.tables.get(index.name)
        if old is None:
            self._db.execute("BEGIN IMMEDIATE")
            number = self._db.execute("INSERT INTO indexes (name, body) VALUES (?,?)", (index.name, text)).lastrowid
            self.tables[index.name] = Table(self._db, int(number or 0), index)
            self.tables[index.name].create()
            self._db.execute("COMMIT")
            return True
        changed = sorted(name for name, field in old.index.fields.items() if index.fields.get(name) != field)
        if changed:
            raise bad(f"Existing field(s) {', '.join(map(repr, changed))} of index '{index.name}' cannot be changed.")
        self._db.execute("BEGIN IMMEDIATE")
        old.grow(index)
        self._db.execute("UPDATE indexes SET body=? WHERE name=?", (text, index.name))
        self._db.execute("COMMIT")
        return False

    def drop(self, name: str) -> None:
        table = self.table(name)
        self._db.execute("BEGIN IMMEDIATE")
        table.drop()
        self._db.execute("DELETE FROM indexes WHERE name=?", (name,))
        self._db.execute("COMMIT")
        del self.tables[name]

    def write(self, name: str, actions: Sequence[tuple[str, Document]]) -> list[dict[str, Any]]:
        """A batch in one transaction; one result per action, of which each may fail alone."""
        table = self.table(name)
        results = []
        self._db.execute("BEGIN IMMEDIATE")
        try:
            for action, document in actions:
                results.append(_written(table, action, document))
        except BaseException:
            self._db.execute("ROLLBACK")
            table.forget_cache()
            raise
        self._db.execute("COMMIT")
        return results


def _written(table: Table, action: str, document: Document) -> dict[str, Any]:
    key = document.get(table.index.key.name)
    try:
        status = table.write(action, document)
    except ServiceProblem as problem:
        return {"key": key, "status": False, "errorMessage": str(problem), "statusCode": problem.status}
    return {"key": key, "status": True, "errorMessage": None, "statusCode": status}


def _text(value: Any) -> str:
    return " ".join(value) if isinstance(value, list) else (value or "")
