"""The inverted index of one table: every occurrence of a term in a field, as a row and a position.

New rows gather in `Buffer`s; a full buffer is flushed into a `Segment`, and segments are merged as their number grows.
Rows are never changed: a document that is written again gets a new row, readers leave deleted rows out, and a merge
drops them.
"""

from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import count, pairwise
from typing import Any

import numpy as np

from loopback.search.analysis import terms
from loopback.search.segment import (
    NO_OCCURRENCES,
    Arrays,
    Ints,
    Mask,
    Occurrences,
    Segment,
    count_distinct,
    merge,
    term_key,
)

POSITION_GAP = 100
"""Positions between the values of a collection, so that no phrase reaches from one into the next."""
MIN_NEW_ROWS = 1_024
FLUSH_OCCURRENCES = 200_000
"""Size at which the buffers are flushed."""
MERGE_FACTOR = 6
"""Number of segments of about one size that are merged into one."""
MAX_MERGED_OCCURRENCES = 10_000_000
"""Size of the largest merge. Requests wait for it: 1.2 s for 7.9 million, measured beside other jobs."""


class Buffer:
    """The latest texts of one field, each as the numbers of its terms, in order."""

    def __init__(self) -> None:
        self._numbers: defaultdict[str, int] = defaultdict(count().__next__)
        self._empty_term = self._numbers[""]
        self._written = array("i")
        self._texts: list[tuple[int, int, int]] = []
        self._columns: tuple[Ints, Ints, Ints] | None = None

    def add(self, row: int, position: int, words: Sequence[str]) -> None:
        self._written.extend(map(self._numbers.__getitem__, words))
        self._texts.append((row, position, len(words)))
        self._columns = None

    def terms(self) -> Iterator[str]:
        return (term for term in self._numbers if term)

    def _occurrences(self) -> tuple[Ints, Ints, Ints]:
        """Return the term's number, the row and the position of each occurrence."""
        if self._columns is None:
            texts = np.array(self._texts, np.int32).reshape(-1, 3)
            lengths = texts[:, 2]
            before = np.cumsum(lengths) - lengths
            positions = np.arange(len(self._written)) - np.repeat(before - texts[:, 1], lengths)
            self._columns = (np.array(self._written), np.repeat(texts[:, 0], lengths), positions.astype(np.int32))
        return self._columns

    def occurrences(self, term: str) -> Occurrences:
        numbers, rows, positions = self._occurrences()
        indices = np.flatnonzero(numbers == self._numbers.get(term, -1))
        return rows[indices], positions[indices]

    def arrays(self, field: str) -> Arrays:
        numbers, rows, positions = self._occurrences()
        kept = numbers != self._empty_term
        names = sorted(self.terms())
        order = np.zeros(len(self._numbers), np.int64)
        order[[self._numbers[name] for name in names]] = np.arange(len(names))
        ranks = order[numbers[kept]]
        sorting = np.argsort(ranks, kind="stable")
        starts = np.searchsorted(ranks[sorting], np.arange(len(names) + 1)).astype(np.int64)
        return Arrays([term_key(field, name) for name in names], starts, rows[kept][sorting], positions[kept][sorting])


class InvertedIndex:
    """Segments and buffers as one index; `lengths[field][row]` is the number of terms in a field of a row."""

    def __init__(self, fields: Iterable[str], segments: Sequence[Segment], rows: int) -> None:
        self.segments = list(segments)
        self._empty_buffers()
        self.lengths: dict[str, Ints] = {field: np.zeros(rows, np.int32) for field in fields}
        for segment in self.segments:
            for field, lengths in self.lengths.items():
                lengths += segment.lengths(field, rows)

    def _empty_buffers(self) -> None:
        self._buffers: defaultdict[str, Buffer] = defaultdict(Buffer)
        self._buffered = 0

    def add(self, field: str, analyzer: str, row: int, values: Any) -> None:
        """Add the value of a field: a text, a list of texts, or None."""
        if row >= len(self.lengths[field]):
            more = np.zeros(max(MIN_NEW_ROWS, row), np.int32)
            self.lengths[field] = np.concatenate([self.lengths[field], more])
        position = length = 0
        for text in values if isinstance(values, list) else [values or ""]:
            words = terms(analyzer, text)
            self._buffers[field].add(row, position, words)
            length += len(words) - words.count("")
            position += len(words) + POSITION_GAP
        self.lengths[field][row] = length
        self._buffered += length

    def _parts(self, field: str, term: str) -> list[Occurrences]:
        buffered = [self._buffers[field].occurrences(term)] if field in self._buffers else []
        parts = [segment.occurrences(field, term) for segment in self.segments] + buffered
        return [part for part in parts if len(part[0])]

    def rows(self, field: str, term: str) -> list[Ints]:
        """Return the row of each occurrence, in parts; each part ascends, and no row is in two parts."""
        return [rows for rows, _ in self._parts(field, term)]

    def occurrences(self, field: str, term: str) -> Occurrences:
        parts = self._parts(field, term) or [NO_OCCURRENCES]
        return np.concatenate([rows for rows, _ in parts]), np.concatenate([positions for _, positions in parts])

    def documents(self, field: str, term: str, alive: Mask) -> int:
        """Count the live rows that have the term."""
        buffered = count_distinct(self._buffers[field].occurrences(term)[0], alive) if field in self._buffers else 0
        return buffered + sum(segment.documents(field, term, alive) for segment in self.segments)

    def forget_counts(self) -> None:
        """Drop the cached counts, because rows have been deleted."""
        for segment in self.segments:
            segment.forget_counts()

    def terms(self, field: str) -> set[str]:
        buffered = set(self._buffers[field].terms()) if field in self._buffers else set()
        return buffered.union(*(segment.terms(field) for segment in self.segments))

    def next_segment(self, alive: Mask) -> tuple[int, Arrays] | None:
        """Build the next segment when the buffers are full; None when they are not.

        It holds the buffers and the segments they are merged with; the number is that of the first segment it replaces.
        """
        if self._buffered < FLUSH_OCCURRENCES:
            return None
        first = len(self.segments)
        sizes = [segment.size for segment in self.segments] + [self._buffered]
        while _should_merge(sizes[-MERGE_FACTOR:]):
            sizes[-MERGE_FACTOR:] = [sum(sizes[-MERGE_FACTOR:])]
            first = len(sizes) - 1
        return first, self.merged(np.where(alive, np.arange(len(alive)), -1).astype(np.int32), first)

    def merged(self, new_rows: Ints, first: int = 0) -> Arrays:
        """Merge the segments from `first` on with the buffers; `new_rows` is as `merge` takes it."""
        parts = [segment.arrays() for segment in self.segments[first:]]
        buffered = [self._buffers[field].arrays(field) for field in sorted(self._buffers)]
        return merge([*parts, *buffered], new_rows)

    def replace(self, first: int, segment: Segment) -> None:
        """Put the segment that `next_segment` built in place of the segments from `first` on and the buffers."""
        self.segments[first:] = [segment]
        self._empty_buffers()


def _should_merge(sizes: Sequence[int]) -> bool:
    alike = all(before < 2 * after for before, after in pairwise(sizes))
    return alike and len(sizes) == MERGE_FACTOR and sum(sizes) <= MAX_MERGED_OCCURRENCES
