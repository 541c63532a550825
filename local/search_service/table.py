"""The documents of one index: rows and filters in SQLite, words and vectors beside them.

A row is never changed: a document that is written again gets a new one. What is in memory changes only after the
transaction has been committed (`Change.apply`), so an undone transaction leaves nothing behind.
"""

import json
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from local.search_service.definitions import Field, Index
from local.search_service.matching import Reading
from local.search_service.odata import Clause, column
from local.search_service.problems import ServiceProblem
from local.search_service.values import check_key, checked
from local.search_service.vectors import Mask, Matrix, Rows, VectorField
from local.search_service.words import Segment, Words, gathered

Document = dict[str, Any]


class Change:
    """What one transaction adds to a table and takes from it."""

    def __init__(self) -> None:
        self.added: dict[int, Document] = {}
        self.removed: list[int] = []
        self.vectors: dict[str, dict[int, Matrix]] = {}


class Table:
    def __init__(self, db: sqlite3.Connection, folder: Path, number: int, index: Index) -> None:
        self._db = db
        self._folder = folder
        self.number = number
        self.index = index
        self._documents, self._segments = f"documents_{number}", f"segments_{number}"
        self._vectors: dict[str, VectorField] = {}
        self._statistics: tuple[dict[str, float], int] | None = None

    def create(self) -> None:
        self._db.execute(
            f"CREATE TABLE {self._documents} (row INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT UNIQUE, body TEXT)"
        )
        self._db.execute(
            f"CREATE TABLE {self._segments} (place INTEGER PRIMARY KEY, last INTEGER,"
            " names BLOB, starts BLOB, rows BLOB, positions BLOB)"
        )
        for field in self.index.fields.values():
            self.create_for(field)

    def create_for(self, field: Field) -> None:
        if field.is_indexed:
            name = f"{self._documents}_{field.name}"
            self._db.execute(f"CREATE INDEX {name} ON {self._documents} ({column(field)})")

    def load(self) -> None:
        """Read the words, map the vectors, and index what was written since the last segment."""
        rows = self._rows(f"SELECT row FROM {self._documents}")  # noqa: S608
        last = int(rows.max()) + 1 if len(rows) else 1
        self.alive: Mask = np.zeros(last, np.bool_)
        self.alive[rows] = True
        kept = self._db.execute(f"SELECT last, names, starts, rows, positions FROM {self._segments} ORDER BY place")  # noqa: S608
        segments, frozen = [], 0
        for last_row, *blobs in kept:
            segments.append(Segment.from_blobs(*blobs))
            frozen = last_row
        self._words = Words((field.name for field in self.index.text_fields), segments, max(last, frozen + 1))
        later = f"SELECT row, body FROM {self._documents} WHERE row>? ORDER BY row"  # noqa: S608
        for row, body in self._db.execute(later, (frozen,)):
            self._add_words(row, json.loads(body))
        self.map_vectors()

    def map_vectors(self) -> None:
        for field in self.index.vector_fields:
            if field.name not in self._vectors:
                self._vectors[field.name] = VectorField(self._folder, f"{self.number}-{field.name}", field.dimensions)

    def drop(self) -> None:
        for table in (self._documents, self._segments):
            self._db.execute(f"DROP TABLE {table}")

    def delete_files(self) -> None:
        for each in self._vectors.values():
            each.delete()

    def add_fields(self, index: Index) -> None:
        """Take on a definition that has more fields, or other settings."""
        for name in index.fields.keys() - self.index.fields.keys():
            self.create_for(index.fields[name])
            if index.fields[name].is_text:
                self._words.lengths[name] = np.zeros(len(self.alive), np.int32)
        self.index = index
        self._statistics = None
        self.map_vectors()

    def count(self) -> int:
        return int(np.count_nonzero(self.alive))

    def sizes(self) -> tuple[int, int]:
        """Bytes of the documents' bodies, and of the vectors of the rows in use."""
        query = f"SELECT coalesce(sum(length(CAST(body AS BLOB))), 0) FROM {self._documents}"  # noqa: S608
        vectors = sum(field.dimensions * 4 for field in self.index.vector_fields) * self.count()
        return int(self._db.execute(query).fetchone()[0]), vectors

    def get(self, key: str) -> tuple[int, Document] | None:
        row = self._db.execute(f"SELECT row, body FROM {self._documents} WHERE key=?", (key,)).fetchone()  # noqa: S608
        return (row[0], json.loads(row[1])) if row else None

    def bodies(self, rows: Sequence[int]) -> list[Document]:
        """In the order of `rows`."""
        query = f"SELECT row, body FROM {self._documents} WHERE row IN (SELECT value FROM json_each(?))"  # noqa: S608
        found = dict(self._db.execute(query, (json.dumps(rows),)).fetchall())
        return [json.loads(found[row]) for row in rows]

    def vector(self, field: str, row: int) -> list[float] | None:
        found = self._vectors[field].get(row)
        return None if found is None else found.tolist()

    def matching(self, clause: Clause) -> Rows:
        """The rows that a filter lets through, in ascending order."""
        rows = self._rows(f"SELECT row FROM {self._documents} WHERE {clause.sql}", clause.values)  # noqa: S608
        rows.sort()
        return rows

    def values(self, field: Field, rows: Sequence[int]) -> list[tuple[int, Any]]:
        """Rows and a field's values in them, one entry per value of a collection; none where it is null."""
        source = f", json_each(body, '$.{field.name}')" if field.is_collection else ""
        value = "json_each.value" if field.is_collection else column(field)
        query = (
            f"SELECT row, {value} AS found FROM {self._documents}{source}"  # noqa: S608
            " WHERE row IN (SELECT value FROM json_each(?)) AND found IS NOT NULL"
        )
        return self._db.execute(query, (json.dumps(rows),)).fetchall()

    def _rows(self, query: str, values: Sequence[Any] = ()) -> Rows:
        return np.fromiter((row for (row,) in self._db.execute(query, values)), np.int64)

    def reading(self, fields: tuple[Field, ...], profile: str | None) -> Reading:
        if self._statistics is None:
            total = max(1, self.count())
            averages = {
                name: max(1.0, float(lengths[: len(self.alive)][self.alive[: len(lengths)]].sum()) / total)
                for name, lengths in self._words.lengths.items()
            }
            self._statistics = averages, total
        averages, total = self._statistics
        return Reading(self.index, self._words, self.alive, fields, self.index.weights(profile), averages, total)

    def nearest(
        self, field: str, vector: Sequence[float], k: int, mask: Mask | None, sparse: Rows | None
    ) -> list[tuple[int, float]]:
        among = self.alive if mask is None else mask
        return self._vectors[field].nearest(vector, k, among, sparse)

    def write(self, action: str, document: Document, change: Change) -> int:
        """Do one action; returns its status code. Raises `ServiceProblem` with the document unchanged."""
        key = check_key(document.get(self.index.key.name))
        if action == "delete":
            if found := self.get(key):
                self._remove(found[0], change)
            return 200
        given = self.checked(document)
        found = self.get(key)
        if action == "merge" and not found:
            raise ServiceProblem(404, "Document not found.")
        merging = found is not None and action in ("merge", "mergeOrUpload")
        names = {field.name for field in self.index.vector_fields}
        kept = {name: value for name, value in given.items() if name not in names}
        body = {**found[1], **kept} if found and merging else kept
        if found:
            self._remove(found[0], change)
        row = self._insert(key, body)
        for name in names:
            old = self._old_vector(name, found[0], change) if found and merging else None
            vector = given.get(name, old)
            if vector is not None:
                change.vectors.setdefault(name, {})[row] = vector
        change.added[row] = body
        return 200 if found else 201

    def checked(self, document: Document) -> Document:
        return {
            name: checked(self.index.field(name, "document"), value)
            for name, value in document.items()
            if not name.startswith("@")
        }

    def _old_vector(self, field: str, row: int, change: Change) -> Matrix | None:
        if row < len(self.alive):
            return self._vectors[field].get(row)
        return change.vectors.get(field, {}).get(row)  # written by this very batch

    def _insert(self, key: str, body: Document) -> int:
        text = json.dumps(body, ensure_ascii=False)
        return int(
            self._db.execute(f"INSERT INTO {self._documents} (key, body) VALUES (?,?)", (key, text)).lastrowid or 0  # noqa: S608
        )

    def _remove(self, row: int, change: Change) -> None:
        self._db.execute(f"DELETE FROM {self._documents} WHERE row=?", (row,))  # noqa: S608
        change.removed.append(row)
        change.added.pop(row, None)

    def write_vectors(self, change: Change) -> None:
        """Before the commit: what it promises is in the file."""
        for name, field in self._vectors.items():
            vectors = change.vectors.get(name, {})
            field.clear([row for row in change.added if row not in vectors])
            if vectors:
                field.put(list(vectors), np.stack(list(vectors.values())))

    def apply(self, change: Change) -> None:
        """After the commit."""
        if change.added:
            last = max(change.added)
            if last >= len(self.alive):
                self.alive = np.concatenate([self.alive, np.zeros(last + 1 - len(self.alive), np.bool_)])
        for row, body in change.added.items():
            self.alive[row] = True
            self._add_words(row, body)
        there = [row for row in change.removed if row < len(self.alive)]
        self.alive[there] = False
        self._statistics = None

    def _add_words(self, row: int, body: Document) -> None:
        for field in self.index.text_fields:
            self._words.add(field.name, row, gathered(field.analyzer, body.get(field.name)))

    def freeze(self) -> None:
        """Keep the words that were written last, when they are many; else the next start reads them anew."""
        first = self._words.freeze()
        if first is None:
            return
        self._db.execute("BEGIN IMMEDIATE")
        self._db.execute(f"DELETE FROM {self._segments} WHERE place>=?", (first,))  # noqa: S608
        for place, segment in enumerate(self._words.segments[first:], start=first):
            values = (place, len(self.alive) - 1, *segment.blobs())
            self._db.execute(f"INSERT INTO {self._segments} VALUES (?,?,?,?,?,?)", values)  # noqa: S608
        self._db.execute("COMMIT")
