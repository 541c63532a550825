"""Query trees, and what they match with which BM25 score.

Formula: Robertson/Zaragoza BM25 as Lucene has it (k1 1.2, b 0.75, idf ln(1 + (N - n + 0.5) / (n + 0.5))); the scores
of a term in several fields are added, each times the field's weight of the scoring profile.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce

import numpy as np
import numpy.typing as npt

from loopback.search.analysis import normalized, tokens
from loopback.search.definitions import Field, Index
from loopback.search.segment import Ints, distinct
from loopback.search.words import Words

K1 = 1.2
B = 0.75
MAX_EXPANSIONS = 1_024
"""Terms that one prefix, pattern or fuzzy word may stand for; Lucene's limit of clauses."""
MAX_POSITION = 1 << 24
Mask = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.int64]
Scores = npt.NDArray[np.float32]
Found = tuple[Mask, Scores]
"""Which rows match, with what scores. Rows that are gone may be among them: who ranks leaves them out."""


@dataclass(frozen=True)
class Reading:
    """What a query is evaluated on."""

    index: Index
    words: Words
    alive: Mask
    among: Ints | None
    """The only rows that can count, ascending and alive, where they are few: masks and scores are of these alone."""
    fields: tuple[Field, ...]
    """Searched where the query names no field."""
    weights: Mapping[str, float]
    averages: Mapping[str, float]
    """How many terms a field has, on average over all documents."""
    total: int
    """Documents."""

    def nothing(self) -> Found:
        size = len(self.alive if self.among is None else self.among)
        return np.zeros(size, np.bool_), np.zeros(size, np.float32)

    def everything(self) -> Mask:
        return ~self.nothing()[0]

    def add(self, found: Found, one: Field, parts: Sequence[Ints], documents: int, boost: float) -> None:
        """Score rows in which something occurs, each as often as it occurs in `parts`, of which each ascends.

        `documents`: in how many of all it occurs.
        """
        idf = np.log(1 + (self.total - documents + 0.5) / (documents + 0.5))
        weight = np.float32(idf * boost * self.weights.get(one.name, 1.0))
        shorter = np.float32(K1 * (1 - B))
        for part in parts:
            places, times = self._counted(part)
            rows = places if self.among is None else self.among[places]
            lengths = self.words.lengths[one.name][rows].astype(np.float32)
            found[0][places] = True
            found[1][places] += weight * (
                times / (times + shorter + np.float32(K1 * B / self.averages[one.name]) * lengths)
            )

    def _counted(self, rows: Ints) -> tuple[Rows, Scores]:
        """Where in the masks these rows are, and how often each of them is given."""
        if self.among is not None:
            ends = [np.searchsorted(rows, self.among, side) for side in ("left", "right")]
            times = ends[1] - ends[0]
            places = np.flatnonzero(times)
            return places, times[places].astype(np.float32)
        first = np.flatnonzero(np.concatenate([[True], rows[1:] != rows[:-1]])) if len(rows) else np.zeros(0, np.int64)
        return rows[first].astype(np.int64), np.diff(np.append(first, len(rows))).astype(np.float32)


@dataclass(frozen=True)
class Node:
    """Part of a query. `fields` is empty where the query names none."""

    fields: tuple[Field, ...] = field(default=(), kw_only=True)
    boost: float = field(default=1.0, kw_only=True)

    def find(self, reading: Reading) -> Found | None:
        """None: nothing is left of it after analysis, and it must not count."""
        raise NotImplementedError

    def terms(self, reading: Reading) -> set[tuple[str, str]]:
        """Names of fields and terms that would be highlighted."""
        raise NotImplementedError


@dataclass(frozen=True)
class Everything(Node):
    def find(self, reading: Reading) -> Found:
        found = reading.everything()
        return found, found.astype(np.float32) * np.float32(self.boost)

    def terms(self, _: Reading) -> set[tuple[str, str]]:
        return set()


@dataclass(frozen=True)
class Phrase(Node):
    """Words in a row; one word is a phrase of one. `slop`: how far they may be moved, all in all."""

    text: str
    slop: int = 0

    def find(self, reading: Reading) -> Found | None:
        found, any_left = reading.nothing(), False
        for one in self.fields or reading.fields:
            wanted = [(term, place) for place, (term, _, _) in enumerate(tokens(one.analyzer, self.text)) if term]
            if wanted:
                any_left = True
                parts, documents = self._rows(reading, one.name, wanted)
                reading.add(found, one, parts, documents, self.boost)
        return found if any_left else None

    def _rows(self, reading: Reading, name: str, wanted: Sequence[tuple[str, int]]) -> tuple[list[Ints], int]:
        """The rows of each occurrence, and how many rows they are in all."""
        if len(wanted) == 1:
            term = wanted[0][0]
            return reading.words.rows(name, term), reading.words.documents(name, term, reading.alive)
        rows = self._places(reading.words, name, wanted)
        return [rows], distinct(rows, reading.alive)

    def _places(self, words: Words, name: str, wanted: Sequence[tuple[str, int]]) -> Ints:
        """Where the words are, each place moved back by its place in the phrase: equal places are a phrase."""
        codes = []
        for term, place in wanted:
            rows, positions = words.occurrences(name, term)
            codes.append(rows.astype(np.int64) * MAX_POSITION + positions + wanted[-1][1] - place)
        if self.slop:
            return _near(codes, self.slop)
        return (reduce(np.intersect1d, codes) // MAX_POSITION).astype(np.int32)

    def terms(self, reading: Reading) -> set[tuple[str, str]]:
        return {
            (one.name, term)
            for one in self.fields or reading.fields
            for term, _, _ in tokens(one.analyzer, self.text)
            if term
        }


@dataclass(frozen=True)
class Expanded(Node):
    """A prefix, pattern or fuzzy word: all terms of the index that it stands for."""

    text: str
    stands_for: Callable[[str], Callable[[str], bool]] = field(repr=False)
    """Takes the text, lower-cased as the field's analyzer does; returns the test of a term."""

    def _expansions(self, reading: Reading, one: Field) -> list[str]:
        fits = self.stands_for(normalized(one.analyzer, self.text))
        return sorted(term for term in reading.words.terms(one.name) if fits(term))[:MAX_EXPANSIONS]

    def find(self, reading: Reading) -> Found:
        """Each row counts once, with the boost as its score, as Lucene scores rewritten queries."""
        mask = np.zeros(len(reading.alive), np.bool_)
        for one in self.fields or reading.fields:
            for term in self._expansions(reading, one):
                for rows in reading.words.rows(one.name, term):
                    mask[rows] = True
        if reading.among is not None:
            mask = mask[reading.among]
        return mask, mask.astype(np.float32) * np.float32(self.boost)

    def terms(self, reading: Reading) -> set[tuple[str, str]]:
        return {(one.name, term) for one in self.fields or reading.fields for term in self._expansions(reading, one)}


@dataclass(frozen=True)
class Group(Node):
    """Of `must` all, of `never` none; of `may` one at least, if there is no `must`."""

    must: tuple[Node, ...] = ()
    may: tuple[Node, ...] = ()
    never: tuple[Node, ...] = ()

    def find(self, reading: Reading) -> Found | None:
        must = [found for node in self.must if (found := node.find(reading))]
        may = [found for node in self.may if (found := node.find(reading))]
        never = [found for node in self.never if (found := node.find(reading))]
        if not must and not may:
            return reading.nothing() if never else None
        matched = np.logical_and.reduce([each for each, _ in must] or [np.logical_or.reduce([m for m, _ in may])])
        scores = np.add.reduce([each for _, each in must + may])
        for each, _ in never:
            matched &= ~each
        return matched, scores * np.float32(self.boost)

    def terms(self, reading: Reading) -> set[tuple[str, str]]:
        return set().union(*(node.terms(reading) for node in self.must + self.may))


def _near(codes: Sequence[npt.NDArray[np.int64]], slop: int) -> Ints:
    """Rows in which the moved places of all words lie within `slop`, as Lucene's sloppy phrases do."""
    common = reduce(np.intersect1d, [code // MAX_POSITION for code in codes])
    places = [code[np.isin(code // MAX_POSITION, common)] for code in codes]
    rows = []
    for first in places[0]:
        nearest = [int(first)]
        for others in places[1:]:
            after = min(int(np.searchsorted(others, first)), len(others) - 1)
            nearest.append(int(min(others[max(0, after - 1) : after + 1], key=lambda other: abs(int(other - first)))))
        if max(nearest) - min(nearest) <= slop:
            rows.append(int(first) // MAX_POSITION)
    return np.array(rows, np.int32)


def prefix(text: str) -> Callable[[str], bool]:
    return lambda term: term.startswith(text)


def wildcard(text: str) -> Callable[[str], bool]:
    pattern = "".join(".*" if char == "*" else "." if char == "?" else re.escape(char) for char in text)
    return _full(re.compile(pattern, re.DOTALL))


def regex(text: str) -> Callable[[str], bool]:
    return _full(re.compile(text))


def _full(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    return lambda term: pattern.fullmatch(term) is not None
