"""Segments: immutable parts of the inverted index, as sorted arrays in files that are mapped, not read.

A file has three arrays: where each term's occurrences start (int64, one more than there are terms), then the row and
the position of each occurrence (int32). The terms themselves are in SQLite; their number gives the file's size.
"""

import json
import os
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from sys import intern

import numpy as np
import numpy.typing as npt

from loopback.search.errors import DamagedFile

Ints = npt.NDArray[np.int32]
Starts = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Occurrences = tuple[Ints, Ints]
"""Rows, ascending, and positions, ascending within a row."""
NO_OCCURRENCES: Occurrences = (np.zeros(0, np.int32), np.zeros(0, np.int32))


def term_key(field: str, term: str) -> str:
    """Make the sort key of a term; field names have no spaces, so the terms of a field are adjacent."""
    return f"{field} {term}"


@dataclass(frozen=True)
class Arrays:
    """The occurrences of terms, whose `keys` ascend."""

    keys: list[str]
    starts: Starts
    rows: Ints
    positions: Ints

    def write(self, path: Path) -> str:
        """Write the arrays to a file and sync it, before anything names it; returns the keys as JSON."""
        with path.open("wb") as file:
            for numbers in (self.starts, self.rows, self.positions):
                numbers.tofile(file)
            file.flush()
            os.fsync(file.fileno())
        return json.dumps(self.keys)


class Segment:
    """A mapped file; raises `DamagedFile` when it is missing or not whole."""

    def __init__(self, path: Path, keys: str) -> None:
        self.path = path
        self._keys: list[str] = [intern(key) for key in json.loads(keys)]
        self._document_counts: dict[int, int] = {}
        head = 8 * (len(self._keys) + 1)
        size = path.stat().st_size if path.exists() else 0
        if size < head:
            raise DamagedFile(path)
        raw = np.asarray(np.memmap(path, np.uint8, "r"))
        self._starts: Starts = raw[:head].view(np.int64)
        occurrences = int(self._starts[-1])
        if size != head + 8 * occurrences:
            raise DamagedFile(path)
        self._rows, self._positions = np.split(raw[head:].view(np.int32), 2)

    @property
    def size(self) -> int:
        """The number of occurrences."""
        return len(self._rows)

    def arrays(self) -> Arrays:
        return Arrays(self._keys, self._starts, self._rows, self._positions)

    def terms(self, field: str) -> Iterator[str]:
        first, last = self._key_range(field)
        return (key[len(field) + 1 :] for key in self._keys[first:last])

    def _key_range(self, field: str) -> tuple[int, int]:
        return bisect_left(self._keys, f"{field} "), bisect_left(self._keys, f"{field}!")

    def _slice(self, key: str) -> slice | None:
        number = bisect_left(self._keys, key)
        if number == len(self._keys) or self._keys[number] != key:
            return None
        return slice(int(self._starts[number]), int(self._starts[number + 1]))

    def occurrences(self, field: str, term: str) -> Occurrences:
        part = self._slice(term_key(field, term))
        return NO_OCCURRENCES if part is None else (self._rows[part], self._positions[part])

    def documents(self, field: str, term: str, alive: Mask) -> int:
        """Count the live rows that have the term; the count is cached until `forget_counts`."""
        part = self._slice(term_key(field, term))
        if part is None:
            return 0
        if part.start not in self._document_counts:
            self._document_counts[part.start] = count_distinct(self._rows[part], alive)
        return self._document_counts[part.start]

    def forget_counts(self) -> None:
        """Drop the cached counts, because rows have been deleted."""
        self._document_counts.clear()

    def lengths(self, field: str, rows: int) -> Ints:
        """Count the terms of a field in each row; returns an array of `rows` numbers."""
        first, last = self._key_range(field)
        part = slice(int(self._starts[first]), int(self._starts[last]))
        return np.bincount(self._rows[part], minlength=rows).astype(np.int32)


def count_distinct(rows: Ints, alive: Mask) -> int:
    """Count the live rows among ascending rows, each once."""
    rows = rows[alive[rows]]
    return int(np.count_nonzero(rows[1:] != rows[:-1])) + 1 if len(rows) else 0


def merge(parts: Sequence[Arrays], new_rows: Ints) -> Arrays:
    """Merge parts whose rows ascend from one part to the next; terms without a remaining row are left out.

    `new_rows` maps each row to its number in the result, or to -1 when the row is deleted.
    """
    keys = sorted(set().union(*(part.keys for part in parts)))
    numbers = {key: number for number, key in enumerate(keys)}
    renumbered = []
    totals = np.zeros(len(keys), np.int64)
    for part in parts:
        rows = new_rows[part.rows]
        before = np.concatenate([[0], np.cumsum(rows >= 0)])
        counts = before[part.starts[1:]] - before[part.starts[:-1]]
        terms = np.fromiter((numbers[key] for key in part.keys), np.int64, len(part.keys))
        totals[terms] += counts
        renumbered.append((part, rows, counts, terms))
    starts = np.concatenate([[0], np.cumsum(totals)]).astype(np.int64)
    all_rows, all_positions = np.empty(starts[-1], np.int32), np.empty(starts[-1], np.int32)
    free = starts[:-1].copy()
    for part, rows, counts, terms in renumbered:
        remaining = rows >= 0
        first = np.cumsum(counts) - counts
        targets = np.repeat(free[terms] - first, counts) + np.arange(counts.sum())
        all_rows[targets], all_positions[targets] = rows[remaining], part.positions[remaining]
        free[terms] += counts
    used = np.flatnonzero(totals)
    return Arrays([keys[number] for number in used], np.append(starts[used], starts[-1]), all_rows, all_positions)
