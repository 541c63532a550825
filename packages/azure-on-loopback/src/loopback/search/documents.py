"""The documents of one index as rows of SQLite, and what is asked of them in SQL.

A row is never changed: a document that is written again gets a new one, with a higher number.
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
    def __init__(self, db: sqlite3.Connection, name: str) -> None:
        self._db = db
        self._name = name

    def create(self) -> None:
        self._db.execute(
            f"CREATE TABLE {self._name} (row INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT UNIQUE, body TEXT)"
        )

    def create_for(self, field: Field) -> None:
        if field.is_indexed:
            self._db.execute(f"CREATE INDEX {self._name}_{field.name} ON {self._name} ({column(field)})")

    def drop(self) -> None:
        self._db.execute(f"DROP TABLE {self._name}")

    def copy(self, name: str) -> None:
        """Into a table that is there and empty, in order, numbered from 1."""
        self._db.execute(f"INSERT INTO {name} (key, body) SELECT key, body FROM {self._name} ORDER BY row")  # noqa: S608

    def rows(self) -> Rows:
        """In no order."""
        return self._rows(f"SELECT row FROM {self._name}")  # noqa: S608

    def after(self, row: int) -> Iterator[tuple[int, Document]]:
        """Rows from the next one on, in order."""
        query = f"SELECT row, body FROM {self._name} WHERE row>? ORDER BY row"  # noqa: S608
        for number, body in self._db.execute(query, (row,)):
            yield number, json.loads(body)

    def size(self) -> int:
        """Bytes of all bodies."""
        query = f"SELECT coalesce(sum(length(CAST(body AS BLOB))), 0) FROM {self._name}"  # noqa: S608
        return int(self._db.execute(query).fetchone()[0])

    def get(self, key: str) -> tuple[int, Document] | None:
        row = self._db.execute(f"SELECT row, body FROM {self._name} WHERE key=?", (key,)).fetchone()  # noqa: S608
        return (row[0], json.loads(row[1])) if row else None

    def bodies(self, rows: Sequence[int]) -> list[Document]:
        """In the order of `rows`."""
        query = f"SELECT row, body FROM {self._name} WHERE row IN (SELECT value FROM json_each(?))"  # noqa: S608
        found = dict(self._db.execute(query, (json.dumps(rows),)).fetchall())
        return [json.loads(found[row]) for row in rows]

    def matching(self, clause: Clause) -> Rows:
        """The rows that a filter lets through, in ascending order."""
        rows = self._rows(f"SELECT row FROM {self._name} WHERE {clause.sql}", clause.values)  # noqa: S608
        rows.sort()
        return rows

    def values(self, field: Field, rows: Sequence[int]) -> list[tuple[int, Any]]:
        """Rows and a field's values in them, one entry per value of a collection; none where it is null."""
        source = f", json_each(body, '$.{field.name}')" if field.is_collection else ""
        value = "json_each.value" if field.is_collection else column(field)
        query = (
            f"SELECT row, {value} AS found FROM {self._name}{source}"  # noqa: S608
            " WHERE row IN (SELECT value FROM json_each(?)) AND found IS NOT NULL"
        )
        return self._db.execute(query, (json.dumps(rows),)).fetchall()

    def _rows(self, query: str, values: Sequence[Any] = ()) -> Rows:
        return np.fromiter((row for (row,) in self._db.execute(query, values)), np.int64)

    def insert(self, key: str, body: Document) -> int:
        text = json.dumps(body, ensure_ascii=False)
        return int(self._db.execute(f"INSERT INTO {self._name} (key, body) VALUES (?,?)", (key, text)).lastrowid or 0)  # noqa: S608

    def delete(self, row: int) -> None:
        self._db.execute(f"DELETE FROM {self._name} WHERE row=?", (row,))  # noqa: S608
