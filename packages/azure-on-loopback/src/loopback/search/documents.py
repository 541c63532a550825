"""The documents of one index as rows of SQLite, and the queries on them.

A row is never changed: a document that is written again gets a new row, with a higher number.
"""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from loopback.search.definitions import Field
from loopback.search.odata import Clause, column

Document = dict[str, Any]
Rows = npt.NDArray[np.int64]


class Documents:
    """The table of documents of one index."""

    def __init__(self, db: sqlite3.Connection, name: str) -> None:
        self._db = db
        self._name = name

    def create(self) -> None:
        self._db.execute(
            f"CREATE TABLE {self._name} (row INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT UNIQUE, body TEXT)"
        )

    def add_sql_index(self, field: Field) -> None:
        """Let SQLite index the field, if it is of a kind for which that pays."""
        if field.has_sql_index:
            self._db.execute(f"CREATE INDEX {self._name}_{field.name} ON {self._name} ({column(field)})")

    def drop(self) -> None:
        self._db.execute(f"DROP TABLE {self._name}")

    def copy_to(self, name: str) -> None:
        """Copy all rows, in order, into an empty table; they are numbered from 1 there."""
        self._db.execute(f"INSERT INTO {name} (key, body) SELECT key, body FROM {self._name} ORDER BY row")  # noqa: S608

    def rows(self) -> Rows:
        """Return the numbers of all rows, in no order."""
        return self._rows(f"SELECT row FROM {self._name}")  # noqa: S608

    def rows_after(self, row: int) -> Iterator[tuple[int, Document]]:
        """Iterate over the rows with higher numbers, in order."""
        query = f"SELECT row, body FROM {self._name} WHERE row>? ORDER BY row"  # noqa: S608
        for number, body in self._db.execute(query, (row,)):
            yield number, json.loads(body)

    def size(self) -> int:
        """Return the bytes of all bodies."""
        query = f"SELECT coalesce(sum(length(CAST(body AS BLOB))), 0) FROM {self._name}"  # noqa: S608
        return int(self._db.execute(query).fetchone()[0])

    def get(self, key: str) -> tuple[int, Document] | None:
        """Return the row and the body of a document."""
        row = self._db.execute(f"SELECT row, body FROM {self._name} WHERE key=?", (key,)).fetchone()  # noqa: S608
        return (row[0], json.loads(row[1])) if row else None

    def bodies(self, rows: Sequence[int]) -> list[Document]:
        """Return the bodies of rows, in the order of `rows`."""
        query = f"SELECT row, body FROM {self._name} WHERE row IN (SELECT value FROM json_each(?))"  # noqa: S608
        bodies = dict(self._db.execute(query, (json.dumps(rows),)).fetchall())
        return [json.loads(bodies[row]) for row in rows]

    def matching(self, clause: Clause) -> Rows:
        """Return the rows that a filter lets through, in ascending order."""
        rows = self._rows(f"SELECT row FROM {self._name} WHERE {clause.sql}", clause.values)  # noqa: S608
        rows.sort()
        return rows

    def values(self, field: Field, rows: Sequence[int]) -> list[tuple[int, Any]]:
        """Return (row, value) pairs of a field: one per element of a collection, none where the field is null."""
        source = f", json_each(body, '$.{field.name}')" if field.is_collection else ""
        value = "json_each.value" if field.is_collection else column(field)
        query = (
            f"SELECT row, {value} AS value_of_row FROM {self._name}{source}"  # noqa: S608
            " WHERE row IN (SELECT value FROM json_each(?)) AND value_of_row IS NOT NULL"
        )
        return self._db.execute(query, (json.dumps(rows),)).fetchall()

    def _rows(self, query: str, values: Sequence[Any] = ()) -> Rows:
        return np.fromiter((row for (row,) in self._db.execute(query, values)), np.int64)

    def insert(self, key: str, body: Document) -> int:
        """Insert a document; returns its row."""
        text = json.dumps(body, ensure_ascii=False)
        return int(self._db.execute(f"INSERT INTO {self._name} (key, body) VALUES (?,?)", (key, text)).lastrowid or 0)  # noqa: S608

    def delete(self, row: int) -> None:
        self._db.execute(f"DELETE FROM {self._name} WHERE row=?", (row,))  # noqa: S608
