"""A part of the inverted index that never changes: sorted arrays in a file that is mapped, not read.

A file has three arrays: where each term's occurrences start (int64, one more than there are terms), and of each
occurrence the row and the position (int32). The terms are kept in SQLite, and name the file's size.
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

from loopback.search.problems import Damaged

Ints = npt.NDArray[np.int32]
Starts = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Occurrences = tuple[Ints, Ints]
"""Rows, ascending, and positions, ascending within a row."""
_NOTHING: Occurrences = (np.zeros(0, np.int32), np.zeros(0, np.int32))


def key(field: str, term: str) -> str:
    """How a term of a field is sorted: names of fields have no spaces, so a field's terms stand together."""
    return f"{field} {term}"


@dataclass(frozen=True)
class Arrays:
    """The occurrences of each of `keys`, which ascend."""

    keys: list[str]
    starts: Starts
    rows: Ints
    positions: Ints

    def write(self, path: Path) -> str:
        """To a file, safe from a power cut before it is named anywhere; returns the keys as text."""
        with path.open("wb") as file:
            for each in (self.starts, self.rows, self.positions):
                each.tofile(file)
            file.flush()
            os.fsync(file.fileno())
        return json.dumps(self.keys)


class Segment:
    def __init__(self, path: Path, keys: str) -> None:
        """Raises `Damaged` naming a file that is not there or not whole."""
        self.path = path
        self._keys: list[str] = [intern(load) for load in json.loads(keys)]
        self._counts: dict[int, int] = {}
        head = 8 * (len(self._keys) + 1)
        size = path.stat().st_size if path.exists() else 0
        if size < head:
            raise Damaged(path)
        raw = np.asarray(np.memmap(path, np.uint8, "r"))
        self._starts: Starts = raw[:head].view(np.int64)
        occurrences = int(self._starts[-1])
        if size != head + 8 * occurrences:
            raise Damaged(path)
        self._rows, self._positions = np.split(raw[head:].view(np.int32), 2)

    @property
    def size(self) -> int:
        return len(self._rows)

    def arrays(self) -> Arrays:
        return Arrays(self._keys, self._starts, self._rows, self._positions)

    def terms(self, field: str) -> Iterator[str]:
        first, last = self._range(field)
        return (each[len(field) + 1 :] for each in self._keys[first:last])

    def _range(self, field: str) -> tuple[int, int]:
        return bisect_left(self._keys, f"{field} "), bisect_left(self._keys, f"{field}!")

    def _slice(self, wanted: str) -> slice | None:
        number = bisect_left(self._keys, wanted)
        if number == len(self._keys) or self._keys[number] != wanted:
            return None
        return slice(int(self._starts[number]), int(self._starts[number + 1]))

    def occurrences(self, field: str, term: str) -> Occurrences:
        there = self._slice(key(field, term))
        return _NOTHING if there is None else (self._rows[there], self._positions[there])

    def documents(self, field: str, term: str, alive: Mask) -> int:
        """How many rows that are alive have the term; counted once, until `forget_counts`."""
        there = self._slice(key(field, term))
        if there is None:
            return 0
        if there.start not in self._counts:
            self._counts[there.start] = distinct(self._rows[there], alive)
        return self._counts[there.start]

    def forget_counts(self) -> None:
        """Rows have gone."""
        self._counts.clear()

    def lengths(self, field: str, rows: int) -> Ints:
        """How many terms each row has in a field; an array of `rows` numbers."""
        first, last = self._range(field)
        there = slice(int(self._starts[first]), int(self._starts[last]))
        return np.bincount(self._rows[there], minlength=rows).astype(np.int32)


def distinct(rows: Ints, alive: Mask) -> int:
    """How many of the rows, which ascend, are alive, each counted once."""
    rows = rows[alive[rows]]
    return int(np.count_nonzero(rows[1:] != rows[:-1])) + 1 if len(rows) else 0


def merged(parts: Sequence[Arrays], numbers: Ints) -> Arrays:
    """Parts whose rows ascend from one to the next, as one. `numbers`: each row's number from now on, -1 if it is gone.

    Terms that only rows had which are gone are left out.
    """
    keys = sorted(set().union(*(part.keys for part in parts)))
    place = {each: number for number, each in enumerate(keys)}
    wanted = []
    totals = np.zeros(len(keys), np.int64)
    for part in parts:
        rows = numbers[part.rows]
        before = np.concatenate([[0], np.cumsum(rows >= 0)])
        counts = before[part.starts[1:]] - before[part.starts[:-1]]
        places = np.fromiter((place[each] for each in part.keys), np.int64, len(part.keys))
        totals[places] += counts
        wanted.append((part, rows, counts, places))
    starts = np.concatenate([[0], np.cumsum(totals)]).astype(np.int64)
    all_rows, all_positions = np.empty(starts[-1], np.int32), np.empty(starts[-1], np.int32)
    free = starts[:-1].copy()
    for part, rows, counts, places in wanted:
        kept = rows >= 0
        first = np.cumsum(counts) - counts
        there = np.repeat(free[places] - first, counts) + np.arange(counts.sum())
        all_rows[there], all_positions[there] = rows[kept], part.positions[kept]
        free[places] += counts
    used = np.flatnonzero(totals)
    return Arrays([keys[each] for each in used], np.append(starts[used], starts[-1]), all_rows, all_positions)
