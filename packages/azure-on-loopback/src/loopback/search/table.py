"""One index: documents in SQLite, words and vectors in files beside it.

The state in memory changes only after a transaction has committed (`apply`), so a rolled-back transaction leaves
nothing behind. A file counts from the commit that names it, or that inserts a row whose vector it holds.
"""

import sqlite3
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from loopback.search.definitions import Field, Index
from loopback.search.disk import WORDS, delete_files, transaction
from loopback.search.documents import Document, Documents
from loopback.search.errors import ApiError
from loopback.search.inverted_index import InvertedIndex
from loopback.search.matching import QueryContext
from loopback.search.segment import Arrays, Segment
from loopback.search.values import check_key, stored_value
from loopback.search.vectors import Mask, Matrix, Rows, VectorField

MIN_DEAD_ROWS = 10_000
"""An index with fewer deleted rows is not worth compacting."""


class Change:
    """The rows that one transaction adds to a table and removes from it."""

    def __init__(self) -> None:
        self.added: dict[int, Document] = {}
        self.removed: list[int] = []
        self.vectors: dict[str, dict[int, Matrix]] = {}


class Table:
    """The data of one index. `alive` tells for each row number whether its document exists."""

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
        """Create the tables and files, in a transaction; `load` comes after its commit."""
        self.documents.create()
        self._db.execute(
            f"CREATE TABLE {self._segments} (position INTEGER PRIMARY KEY, last INTEGER, file TEXT, keys TEXT)"
        )
        for field in self.index.fields.values():
            self._create_for(field)

    def _create_for(self, field: Field) -> None:
        self.documents.add_sql_index(field)
        if field.is_vector:
            self._map_vectors(field, new=True)

    def load(self) -> None:
        """Map words and vectors, and index the rows written since the last flush; raises `DamagedFile`."""
        rows = self.documents.rows()
        end = int(rows.max()) + 1 if len(rows) else 1
        self.alive = np.zeros(end, np.bool_)
        self.alive[rows] = True
        saved = self._db.execute(f"SELECT last, file, keys FROM {self._segments} ORDER BY position").fetchall()  # noqa: S608
        segments = [Segment(self._folder / file, keys) for _, file, keys in saved]
        flushed = saved[-1][0] if saved else 0
        fields = (field.name for field in self.index.text_fields)
        self._inverted = InvertedIndex(fields, segments, max(end, flushed + 1))
        for row, body in self.documents.rows_after(flushed):
            self._add_words(row, body)
        for field in self.index.vector_fields:
            self._map_vectors(field, new=False)

    def _map_vectors(self, field: Field, *, new: bool) -> None:
        name, rows = f"{self._number}-{field.name}", len(self.alive)
        self._vectors[field.name] = VectorField(self._folder, name, field.dimensions, rows, new=new)

    def drop(self) -> None:
        """Drop the tables, in a transaction; the files may be deleted after its commit."""
        self.documents.drop()
        self._db.execute(f"DROP TABLE {self._segments}")

    def files(self) -> list[Path]:
        vectors = [path for vector in self._vectors.values() for path in vector.files]
        return [*vectors, *(segment.path for segment in self._inverted.segments)]

    def redefine(self, index: Index) -> None:
        """Take on a definition with additional fields or other settings."""
        for name in index.fields.keys() - self.index.fields.keys():
            self._create_for(index.fields[name])
            if index.fields[name].is_text:
                self._inverted.lengths[name] = np.zeros(len(self.alive), np.int32)
        self.index = index
        self._statistics = None

    def count(self) -> int:
        return int(np.count_nonzero(self.alive))

    def sizes(self) -> tuple[int, int]:
        """Return the bytes of the documents' bodies, and of the vectors of live rows."""
        vectors = sum(field.dimensions * 4 for field in self.index.vector_fields) * self.count()
        return self.documents.size(), vectors

    def vector(self, field: str, row: int) -> list[float] | None:
        vector = self._vectors[field].get(row)
        return None if vector is None else vector.tolist()

    def query_context(self, fields: tuple[Field, ...], profile: str | None, few: Rows | None) -> QueryContext:
        """Make the context of a query; `few` lists the rows that its filter lets through, where they are few."""
        if self._statistics is None:
            total = max(1, self.count())
            averages = {
                name: max(1.0, float(lengths[: len(self.alive)][self.alive[: len(lengths)]].sum()) / total)
                for name, lengths in self._inverted.lengths.items()
            }
            self._statistics = averages, total
        averages, total = self._statistics
        candidates = None if few is None else few.astype(np.int32)
        weights = self.index.weights(profile)
        return QueryContext(self.index, self._inverted, self.alive, candidates, fields, weights, averages, total)

    def nearest(
        self, field: str, vector: Sequence[float], k: int, mask: Mask | None, few: Rows | None
    ) -> list[tuple[int, float]]:
        return self._vectors[field].nearest(vector, k, self.alive if mask is None else mask, few)

    def write(self, action: str, document: Document, change: Change) -> int:
        """Do one action; returns its status code. Raises `ApiError` and leaves the document unchanged."""
        key = check_key(document.get(self.index.key.name))
        if action == "delete":
            if old := self.documents.get(key):
                self._remove(old[0], change)
            return 200
        values = self.stored_values(document)
        old = self.documents.get(key)
        if action == "merge" and not old:
            raise ApiError(404, "Document not found.")
        merging = old is not None and action in ("merge", "mergeOrUpload")
        vector_names = {field.name for field in self.index.vector_fields}
        body = {name: value for name, value in values.items() if name not in vector_names}
        if old and merging:
            body = {**old[1], **body}
        if old:
            self._remove(old[0], change)
        row = self.documents.insert(key, body)
        for name in vector_names:
            old_vector = self._old_vector(name, old[0], change) if old and merging else None
            vector = values.get(name, old_vector)
            if vector is not None:
                change.vectors.setdefault(name, {})[row] = vector
        change.added[row] = body
        return 200 if old else 201

    def stored_values(self, document: Document) -> Document:
        """Check all values of a document and convert them to their stored form; raises `ApiError`."""
        return {
            name: stored_value(self.index.field(name, "document"), value)
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
        """Write the vectors of a change to their files, before the change commits."""
        for name, field in self._vectors.items():
            field.make_room(max(change.added, default=0) + 1)
            vectors = change.vectors.get(name, {})
            field.clear([row for row in change.added if row not in vectors])
            if vectors:
                field.put(list(vectors), np.stack(list(vectors.values())))

    def apply(self, change: Change) -> None:
        """Index a change in memory, after its commit."""
        if change.added:
            last = max(change.added)
            if last >= len(self.alive):
                self.alive = np.concatenate([self.alive, np.zeros(last + 1 - len(self.alive), np.bool_)])
        for row, body in change.added.items():
            self.alive[row] = True
            self._add_words(row, body)
        removed = [row for row in change.removed if row < len(self.alive)]
        if removed:
            self.alive[removed] = False
            self._inverted.forget_counts()
        self._statistics = None

    def _add_words(self, row: int, body: Document) -> None:
        for field in self.index.text_fields:
            self._inverted.add(field.name, field.analyzer, row, body.get(field.name))

    def flush(self) -> None:
        """Save the latest words as a segment when they are many; fewer are indexed again at the next start."""
        built = self._inverted.next_segment(self.alive)
        if built is None:
            return
        first, arrays = built
        with transaction(self._db):
            self._db.execute(f"DELETE FROM {self._segments} WHERE position>=?", (first,))  # noqa: S608
            segment = self._save_segment(self._number, first, len(self.alive) - 1, arrays)
        replaced = [old.path for old in self._inverted.segments[first:]]
        self._inverted.replace(first, segment)
        delete_files(replaced)

    def _save_segment(self, number: int, position: int, last: int, arrays: Arrays) -> Segment:
        """Save a segment of table `number`, in a transaction. Its last row makes the file's name new."""
        path = self._folder / f"{number}-{last}{WORDS}"
        keys = arrays.write(path)
        self._db.execute(f"INSERT INTO segments_{number} VALUES (?,?,?,?)", (position, last, path.name, keys))  # noqa: S608
        return Segment(path, keys)

    @property
    def needs_compaction(self) -> bool:
        """Whether deleted rows outnumber live ones."""
        live = self.count()
        return len(self.alive) - 1 - live > max(live, MIN_DEAD_ROWS)

    def copy_to(self, other: "Table") -> None:
        """Copy the live rows into a new, empty table, in a transaction."""
        rows = np.flatnonzero(self.alive)
        new_rows = np.full(len(self.alive), -1, np.int32)
        new_rows[rows] = np.arange(1, len(rows) + 1)
        self.documents.copy_to(f"documents_{other._number}")
        self._save_segment(other._number, 0, len(rows), self._inverted.merged(new_rows))
        for name, field in self._vectors.items():
            field.copy_to(self._folder, f"{other._number}-{name}", rows)
