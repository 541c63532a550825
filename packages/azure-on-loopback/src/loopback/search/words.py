"""The inverted index of one table: which term is where, exactly.

Every occurrence of a term in a field is a row and a position. New rows gather in `Fresh`; a full one is frozen into
a `Segment`, and segments are merged as they grow in number. Rows are never changed: a document that is written again
gets a new row, who reads an index leaves out the rows that are gone, and a merge drops them.
"""

from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import count, pairwise
from typing import Any

import numpy as np

from loopback.search.analysis import terms
from loopback.search.segment import Arrays, Ints, Mask, Occurrences, Segment, distinct, key, merged

POSITION_GAP = 100
"""Between the values of a collection, so that no phrase reaches from one into the next."""
FIRST_ROWS = 1_024
FREEZE_AT = 200_000
"""Occurrences."""
FAN_OUT = 6
"""So many segments of one size are merged into one."""
LARGEST = 10_000_000
"""Occurrences that a merge makes at most. Requests wait for it: 1.2 s for 7.9 million, measured beside other jobs."""


class FreshField:
    """What was written last in one field: each text as the numbers of its terms, in order."""

    def __init__(self) -> None:
        self._numbers: defaultdict[str, int] = defaultdict(count().__next__)
        self._left_out = self._numbers[""]
        self._written = array("i")
        self._texts: list[tuple[int, int, int]] = []
        self._columns: tuple[Ints, Ints, Ints] | None = None

    def add(self, row: int, position: int, found: Sequence[str]) -> None:
        self._written.extend(map(self._numbers.__getitem__, found))
        self._texts.append((row, position, len(found)))
        self._columns = None

    def terms(self) -> Iterator[str]:
        return (term for term in self._numbers if term)

    def _all(self) -> tuple[Ints, Ints, Ints]:
        """Of each occurrence the term's number, the row and the position."""
        if self._columns is None:
            texts = np.array(self._texts, np.int32).reshape(-1, 3)
            lengths = texts[:, 2]
            before = np.cumsum(lengths) - lengths
            positions = np.arange(len(self._written)) - np.repeat(before - texts[:, 1], lengths)
            self._columns = (np.array(self._written), np.repeat(texts[:, 0], lengths), positions.astype(np.int32))
        return self._columns

    def occurrences(self, term: str) -> Occurrences:
        numbers, rows, positions = self._all()
        there = np.flatnonzero(numbers == self._numbers.get(term, -1))
        return rows[there], positions[there]

    def arrays(self, field: str) -> Arrays:
        numbers, rows, positions = self._all()
        kept = numbers != self._left_out
        names = sorted(self.terms())
        order = np.zeros(len(self._numbers), np.int64)
        order[[self._numbers[name] for name in names]] = np.arange(len(names))
        places = order[numbers[kept]]
        sorting = np.argsort(places, kind="stable")
        starts = np.searchsorted(places[sorting], np.arange(len(names) + 1)).astype(np.int64)
        return Arrays([key(field, name) for name in names], starts, rows[kept][sorting], positions[kept][sorting])


class Words:
    """All segments and what is fresh, as one index; `lengths[field][row]` is how many terms a field of a row has."""

    def __init__(self, fields: Iterable[str], segments: Sequence[Segment], rows: int) -> None:
        self.segments = list(segments)
        self._start_anew()
        self.lengths: dict[str, Ints] = {field: np.zeros(rows, np.int32) for field in fields}
        for segment in self.segments:
            for field, lengths in self.lengths.items():
                lengths += segment.lengths(field, rows)

    def _start_anew(self) -> None:
        self._fresh: defaultdict[str, FreshField] = defaultdict(FreshField)
        self._fresh_size = 0

    def add(self, field: str, analyzer: str, row: int, values: Any) -> None:
        """A text, or a list of texts, or None."""
        if row >= len(self.lengths[field]):
            more = np.zeros(max(FIRST_ROWS, row), np.int32)
            self.lengths[field] = np.concatenate([self.lengths[field], more])
        position = length = 0
        for text in values if isinstance(values, list) else [values or ""]:
            found = terms(analyzer, text)
            self._fresh[field].add(row, position, found)
            length += len(found) - found.count("")
            position += len(found) + POSITION_GAP
        self.lengths[field][row] = length
        self._fresh_size += length

    def _parts(self, field: str, term: str) -> list[Occurrences]:
        fresh = [self._fresh[field].occurrences(term)] if field in self._fresh else []
        parts = [segment.occurrences(field, term) for segment in self.segments] + fresh
        return [part for part in parts if len(part[0])]

    def rows(self, field: str, term: str) -> list[Ints]:
        """Of each occurrence the row; each part ascends, no row is in two."""
        return [rows for rows, _ in self._parts(field, term)]

    def occurrences(self, field: str, term: str) -> Occurrences:
        parts = self._parts(field, term) or [(np.zeros(0, np.int32), np.zeros(0, np.int32))]
        return np.concatenate([rows for rows, _ in parts]), np.concatenate([places for _, places in parts])

    def documents(self, field: str, term: str, alive: Mask) -> int:
        """How many rows that are alive have the term."""
        fresh = distinct(self._fresh[field].occurrences(term)[0], alive) if field in self._fresh else 0
        return fresh + sum(segment.documents(field, term, alive) for segment in self.segments)

    def forget_counts(self) -> None:
        """Rows have gone."""
        for segment in self.segments:
            segment.forget_counts()

    def terms(self, field: str) -> set[str]:
        fresh = set(self._fresh[field].terms()) if field in self._fresh else set()
        return fresh.union(*(segment.terms(field) for segment in self.segments))

    def frozen(self, alive: Mask) -> tuple[int, Arrays] | None:
        """When enough is fresh, it and the segments it is merged with, as one, and the number of the first of these."""
        if self._fresh_size < FREEZE_AT:
            return None
        first = len(self.segments)
        sizes = [segment.size for segment in self.segments] + [self._fresh_size]
        while _are_merged(sizes[-FAN_OUT:]):
            sizes[-FAN_OUT:] = [sum(sizes[-FAN_OUT:])]
            first = len(sizes) - 1
        return first, self.all(np.where(alive, np.arange(len(alive)), -1).astype(np.int32), first)

    def all(self, numbers: Ints, first: int = 0) -> Arrays:
        """The segments from `first` on and what is fresh, with new numbers of rows, as `merged` takes them."""
        parts = [segment.arrays() for segment in self.segments[first:]]
        fresh = [self._fresh[field].arrays(field) for field in sorted(self._fresh)]
        return merged([*parts, *fresh], numbers)

    def replace(self, first: int, segment: Segment) -> None:
        """What `frozen` returned is kept now."""
        self.segments[first:] = [segment]
        self._start_anew()


def _are_merged(sizes: Sequence[int]) -> bool:
    alike = all(before < 2 * after for before, after in pairwise(sizes))
    return alike and len(sizes) == FAN_OUT and sum(sizes) <= LARGEST
