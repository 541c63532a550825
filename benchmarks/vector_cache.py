"""Caches vectors in a file, so that a benchmark need not embed the same documents twice."""

import hashlib
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from loopback.model.bert import Array
from loopback.model.embedders import Embedder


class Cached:
    """An embedder that passes texts not cached in `folder` on to another."""

    def __init__(self, other: Embedder, folder: Path) -> None:
        self._other = other
        self.name, self.description, self.check = other.name, other.description, other.check
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / f"{other.name}.sqlite"

    def embed(self, texts: Sequence[str], dimensions: int | None) -> Array:
        keys = [hashlib.sha256(f"{dimensions} {text}".encode("utf-8", "surrogatepass")).digest() for text in texts]
        with sqlite3.connect(self._path) as database:
            database.execute("CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, numbers BLOB) WITHOUT ROWID")
            cached = {key: _numbers(database, key) for key in keys}
            new = [index for index, key in enumerate(keys) if cached[key] is None]
            if new:
                vectors = self._other.embed([texts[index] for index in new], dimensions)
                rows = [(keys[index], vector.tobytes()) for index, vector in zip(new, vectors, strict=True)]
                database.executemany("INSERT OR IGNORE INTO vectors VALUES (?, ?)", rows)
                cached |= dict(rows)
        database.close()
        return np.stack([np.frombuffer(cached[key] or b"", dtype=np.float32) for key in keys])


def _numbers(database: sqlite3.Connection, key: bytes) -> bytes | None:
    row = database.execute("SELECT numbers FROM vectors WHERE key = ?", [key]).fetchone()
    return None if row is None else bytes(row[0])
