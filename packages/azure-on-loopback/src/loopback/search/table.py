"""One index: its documents in SQLite, words and vectors in files beside them.

What is in memory changes only after the transaction has been committed (`apply`), so an undone transaction leaves
nothing behind. A file counts from the commit on that names it, or that names a row which is in it.
"""

import sqlite3
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from loopback.search.definitions import Field, Index
from loopback.search.disk import WORDS, remove, transaction
from loopback.search.documents import Document, Documents
from loopback.search.matching import Reading
from loopback.search.problems import ServiceProblem
from loopback.search.segment import Arrays, Segment
from loopback.search.values import check_key, checked
from loopback.search.vectors import Mask, Matrix, Rows, VectorField
from loopback.search.words import Words

MIN_WASTE = 10_000
"""Rows: less waste than that is not worth writing an index anew."""


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
        self._number = number
        self.index = index
        self.documents = Documents(db, f"documents_{number}")
        self._segments = f"segments_{number}"
        self._vectors: dict[str, VectorField] = {}
        self._statistics: tuple[dict[str, float], int] | None = None
        self.alive: Mask = np.zeros(1, np.bool_)

    def create(self) -> None:
        """In a transaction; then `load`."""
        self.documents.create()
        self._db.execute(
            f"CREATE TABLE {self._segments} (place INTEGER PRIMARY KEY, last INTEGER, file TEXT, keys TEXT)"
        )
        for field in self.index.fields.values():
            self._create_for(field)

    def _create_for(self, field: Field) -> None:
        self.documents.create_for(field)
        if field.is_vector:
            self._map(field, new=True)

    def load(self) -> None:
        """Map words and vectors, and index what was written since the last segment; raises `Damaged`."""
        rows = self.documents.rows()
        last = int(rows.max()) + 1 if len(rows) else 1
        self.alive = np.zeros(last, np.bool_)
        self.alive[rows] = True
        kept = self._db.execute(f"SELECT last, file, keys FROM {self._segments} ORDER BY place").fetchall()  # noqa: S608
        segments = [Segment(self._folder / file, keys) for _, file, keys in kept]
        frozen = kept[-1][0] if kept else 0
        self._words = Words((field.name for field in self.index.text_fields), segments, max(last, frozen + 1))
        for row, body in self.documents.after(frozen):
            self._add_words(row, body)
        for field in self.index.vector_fields:
            self._map(field, new=False)

    def _map(self, field: Field, *, new: bool) -> None:
        name, rows = f"{self._number}-{field.name}", len(self.alive)
        self._vectors[field.name] = VectorField(self._folder, name, field.dimensions, rows, new=new)

    def drop(self) -> None:
        """In a transaction; then the files may go."""
        self.documents.drop()
        self._db.execute(f"DROP TABLE {self._segments}")

    def files(self) -> list[Path]:
        vectors = [path for vector in self._vectors.values() for path in vector.files]
        return [*vectors, *(segment.path for segment in self._words.segments)]

    def add_fields(self, index: Index) -> None:
        """Take on a definition that has more fields, or other settings."""
        for name in index.fields.keys() - self.index.fields.keys():
            self._create_for(index.fields[name])
            if index.fields[name].is_text:
                self._words.lengths[name] = np.zeros(len(self.alive), np.int32)
        self.index = index
        self._statistics = None

    def count(self) -> int:
        return int(np.count_nonzero(self.alive))

    def sizes(self) -> tuple[int, int]:
        """Bytes of the documents' bodies, and of the vectors of the rows in use."""
        vectors = sum(field.dimensions * 4 for field in self.index.vector_fields) * self.count()
        return self.documents.size(), vectors

    def vector(self, field: str, row: int) -> list[float] | None:
        found = self._vectors[field].get(row)
        return None if found is None else found.tolist()

    def reading(self, fields: tuple[Field, ...], profile: str | None, among: Rows | None) -> Reading:
        """`among`: the rows that a filter lets through, where they are few."""
        if self._statistics is None:
            total = max(1, self.count())
            averages = {
                name: max(1.0, float(lengths[: len(self.alive)][self.alive[: len(lengths)]].sum()) / total)
                for name, lengths in self._words.lengths.items()
            }
            self._statistics = averages, total
        averages, total = self._statistics
        few = None if among is None else among.astype(np.int32)
        return Reading(self.index, self._words, self.alive, few, fields, self.index.weights(profile), averages, total)

    def nearest(
        self, field: str, vector: Sequence[float], k: int, mask: Mask | None, sparse: Rows | None
    ) -> list[tuple[int, float]]:
        among = self.alive if mask is None else mask
        return self._vectors[field].nearest(vector, k, among, sparse)

    def write(self, action: str, document: Document, change: Change) -> int:
        """Do one action; returns its status code. Raises `ServiceProblem` with the document unchanged."""
        key = check_key(document.get(self.index.key.name))
        if action == "delete":
            if found := self.documents.get(key):
                self._remove(found[0], change)
            return 200
        given = self.checked(document)
        found = self.documents.get(key)
        if action == "merge" and not found:
            raise ServiceProblem(404, "Document not found.")
        merging = found is not None and action in ("merge", "mergeOrUpload")
        names = {field.name for field in self.index.vector_fields}
        kept = {name: value for name, value in given.items() if name not in names}
        body = {**found[1], **kept} if found and merging else kept
        if found:
            self._remove(found[0], change)
        row = self.documents.insert(key, body)
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

    def _remove(self, row: int, change: Change) -> None:
        self.documents.delete(row)
        change.removed.append(row)
        change.added.pop(row, None)

    def write_vectors(self, change: Change) -> None:
        """Before the commit: what it promises is in the file."""
        for name, field in self._vectors.items():
            field.make_room(max(change.added, default=0) + 1)
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
        if there:
            self.alive[there] = False
            self._words.forget_counts()
        self._statistics = None

    def _add_words(self, row: int, body: Document) -> None:
        for field in self.index.text_fields:
            self._words.add(field.name, field.analyzer, row, body.get(field.name))

    def freeze(self) -> None:
        """Keep the words that were written last, when they are many; else the next start reads them anew."""
        found = self._words.frozen(self.alive)
        if found is None:
            return
        first, arrays = found
        with transaction(self._db):
            self._db.execute(f"DELETE FROM {self._segments} WHERE place>=?", (first,))  # noqa: S608
            segment = self._keep_words(self._number, first, len(self.alive) - 1, arrays)
        replaced = [each.path for each in self._words.segments[first:]]
        self._words.replace(first, segment)
        remove(replaced)

    def _keep_words(self, number: int, place: int, last: int, arrays: Arrays) -> Segment:
        """In a transaction. The file's name is new, as the last row is."""
        path = self._folder / f"{number}-{last}{WORDS}"
        keys = arrays.write(path)
        self._db.execute(f"INSERT INTO segments_{number} VALUES (?,?,?,?)", (place, last, path.name, keys))  # noqa: S608
        return Segment(path, keys)

    @property
    def is_wasteful(self) -> bool:
        """Whether more room is taken by what is gone than by what is there."""
        there = self.count()
        return len(self.alive) - 1 - there > max(there, MIN_WASTE)

    def copy(self, other: "Table") -> None:
        """Into a table that has been created and has no rows, without what is gone; in a transaction."""
        rows = np.flatnonzero(self.alive)
        numbers = np.full(len(self.alive), -1, np.int32)
        numbers[rows] = np.arange(1, len(rows) + 1)
        self.documents.copy(f"documents_{other._number}")
        self._keep_words(other._number, 0, len(rows), self._words.all(numbers))
        for name, field in self._vectors.items():
            field.copy(self._folder, f"{other._number}-{name}", rows)
