"""The inverted index of one table: which term is where, exactly.

Every occurrence of a term in a field is a row and a position. New rows gather in `Fresh`; a full one is frozen into
a `Segment` of sorted arrays, and segments are merged as they grow in number. Rows are never changed: a document that
is written again gets a new row, and who reads an index leaves out the rows that are gone.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from local.search_service.analysis import tokens

Ints = npt.NDArray[np.int32]
Occurrences = tuple[Ints, Ints]
"""Rows, ascending, and positions, ascending within a row."""
Key = tuple[str, str]
"""The name of the field, and the term."""
POSITION_GAP = 100
"""Between the values of a collection, so that no phrase reaches from one into the next."""
FIRST_ROWS = 1_024
FREEZE_AT = 200_000
"""Occurrences."""
FAN_OUT = 6
"""So many segments of one size are merged into one."""


class Fresh:
    """What was written last, in dictionaries."""

    def __init__(self) -> None:
        self._places: dict[Key, tuple[list[int], list[int]]] = {}
        self.size = 0

    def add(self, field: str, row: int, terms: Iterable[tuple[str, int]]) -> None:
        places = self._places
        for term, position in terms:
            found = places.get((field, term))
            if found is None:
                found = places[(field, term)] = ([], [])
            found[0].append(row)
            found[1].append(position)
            self.size += 1

    def keys(self, field: str) -> Iterator[str]:
        return (term for name, term in self._places if name == field)

    def occurrences(self, key: Key) -> Occurrences | None:
        found = self._places.get(key)
        return None if found is None else (np.array(found[0], np.int32), np.array(found[1], np.int32))

    def frozen(self) -> "Segment":
        keys = sorted(self._places)
        lists = [self._places[key] for key in keys]
        starts = np.zeros(len(keys) + 1, np.int64)
        np.cumsum([len(rows) for rows, _ in lists], out=starts[1:])
        rows = np.fromiter((row for each, _ in lists for row in each), np.int32, self.size)
        positions = np.fromiter((position for _, each in lists for position in each), np.int32, self.size)
        return Segment(keys, starts, rows, positions)


class Segment:
    """Occurrences sorted by field, term, row and position."""

    def __init__(self, keys: Sequence[Key], starts: npt.NDArray[np.int64], rows: Ints, positions: Ints) -> None:
        self._numbers = {key: number for number, key in enumerate(keys)}
        self._starts, self._rows, self._positions = starts, rows, positions

    @property
    def size(self) -> int:
        return len(self._rows)

    def keys(self, field: str) -> Iterator[str]:
        return (term for name, term in self._numbers if name == field)

    def occurrences(self, key: Key) -> Occurrences | None:
        number = self._numbers.get(key)
        if number is None:
            return None
        there = slice(int(self._starts[number]), int(self._starts[number + 1]))
        return self._rows[there], self._positions[there]

    def lengths(self, field: str, rows: int) -> Ints:
        """How many terms each row has in a field; an array of `rows` numbers."""
        numbers = [number for key, number in self._numbers.items() if key[0] == field]
        if not numbers:
            return np.zeros(rows, np.int32)
        there = slice(int(self._starts[numbers[0]]), int(self._starts[numbers[-1] + 1]))
        return np.bincount(self._rows[there], minlength=rows).astype(np.int32)

    def blobs(self) -> tuple[bytes, bytes, bytes, bytes]:
        names = "\n".join(f"{field} {term}" for field, term in self._numbers)
        text = names.encode("utf-8", "surrogatepass")
        return text, self._starts.tobytes(), self._rows.tobytes(), self._positions.tobytes()

    @staticmethod
    def from_blobs(names: bytes, starts: bytes, rows: bytes, positions: bytes) -> "Segment":
        text = names.decode("utf-8", "surrogatepass")
        split = (line.split(" ", 1) for line in text.split("\n") if line)
        keys = [(field, term) for field, term in split]
        return Segment(
            keys,
            np.frombuffer(starts, np.int64),
            np.frombuffer(rows, np.int32),
            np.frombuffer(positions, np.int32),
        )

    @staticmethod
    def merged(parts: Sequence["Segment"]) -> "Segment":
        """Of segments whose rows ascend from one to the next."""
        keys = sorted(set().union(*(part._numbers for part in parts)))
        place = {key: number for number, key in enumerate(keys)}
        terms = np.concatenate(
            [
                np.repeat(np.array([place[key] for key in part._numbers], np.int32), np.diff(part._starts))
                for part in parts
            ]
        )
        order = np.argsort(terms, kind="stable")
        starts = np.searchsorted(terms[order], np.arange(len(keys) + 1)).astype(np.int64)
        rows = np.concatenate([part._rows for part in parts])[order]
        positions = np.concatenate([part._positions for part in parts])[order]
        return Segment(keys, starts, rows, positions)


class Words:
    """All segments and what is fresh, as one index; `lengths[field][row]` is how many terms a field of a row has."""

    def __init__(self, fields: Iterable[str], segments: Sequence[Segment], rows: int) -> None:
        self.segments = list(segments)
        self.fresh = Fresh()
        self.lengths: dict[str, Ints] = {field: np.zeros(rows, np.int32) for field in fields}
        for segment in self.segments:
            for field, lengths in self.lengths.items():
                lengths += segment.lengths(field, rows)

    def add(self, field: str, row: int, terms: Sequence[tuple[str, int]]) -> None:
        if row >= len(self.lengths[field]):
            more = np.zeros(max(FIRST_ROWS, row), np.int32)
            self.lengths[field] = np.concatenate([self.lengths[field], more])
        self.lengths[field][row] = len(terms)
        self.fresh.add(field, row, terms)

    def _parts(self) -> "list[Segment | Fresh]":
        return [*self.segments, self.fresh]

    def occurrences(self, field: str, term: str) -> Occurrences:
        parts = [found for each in self._parts() if (found := each.occurrences((field, term)))]
        if not parts:
            return np.zeros(0, np.int32), np.zeros(0, np.int32)
        if len(parts) == 1:
            return parts[0]
        return np.concatenate([rows for rows, _ in parts]), np.concatenate([places for _, places in parts])

    def terms(self, field: str) -> set[str]:
        return {term for each in self._parts() for term in each.keys(field)}

    def freeze(self) -> int | None:
        """When enough is fresh, freeze and merge it; returns from which segment on they are new, None for no change."""
        if self.fresh.size < FREEZE_AT:
            return None
        kept = len(self.segments)
        self.segments.append(self.fresh.frozen())
        self.fresh = Fresh()
        while len(self.segments) >= FAN_OUT and _alike(self.segments[-FAN_OUT:]):
            self.segments[-FAN_OUT:] = [Segment.merged(self.segments[-FAN_OUT:])]
            kept = min(kept, len(self.segments) - 1)
        return kept


def _alike(segments: Sequence[Segment]) -> bool:
    return all(before.size < 2 * after.size for before, after in pairwise(segments))


def gathered(analyzer: str, values: Any) -> list[tuple[str, int]]:
    """The terms and positions of a text or of a list of texts."""
    found: list[tuple[str, int]] = []
    base = 0
    for text in values if isinstance(values, list) else [values or ""]:
        position = base
        for position, (term, _, _) in enumerate(tokens(analyzer, text), start=base):
            if term:
                found.append((term, position))
        base = position + POSITION_GAP
    return found
