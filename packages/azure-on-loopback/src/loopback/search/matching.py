"""Query trees: which rows they match, and with which BM25 score.

BM25 is Robertson's and Zaragoza's formula as Lucene has it (k1 1.2, b 0.75, idf ln(1 + (N - n + 0.5) / (n + 0.5))). The
scores of a term in several fields are added, each multiplied by the field's weight in the scoring profile.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce

import numpy as np
import numpy.typing as npt

from loopback.search.analysis import normalized, tokens
from loopback.search.definitions import Field, Index
from loopback.search.inverted_index import InvertedIndex
from loopback.search.segment import Ints, count_distinct

K1 = 1.2
B = 0.75
MAX_EXPANSIONS = 1_024
"""Terms that one prefix, pattern or fuzzy word may stand for; Lucene's limit of clauses."""
MAX_POSITION = 1 << 24
Mask = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.int64]
Scores = npt.NDArray[np.float32]
Matches = tuple[Mask, Scores]
"""The rows that match, and their scores. Deleted rows may be among them: the ranking leaves them out."""
Matcher = Callable[[str], Callable[[str], bool]]
"""Takes the text of an expansion, normalized as the field's analyzer does it; returns the test of a term."""


@dataclass(frozen=True)
class QueryContext:
    """The index, fields, weights and statistics on which a query is evaluated."""

    index: Index
    inverted: InvertedIndex
    alive: Mask
    candidates: Ints | None
    """The rows that the filter lets through, ascending, where they are few: masks and scores cover these alone."""
    fields: tuple[Field, ...]
    """The fields that are searched where the query names none."""
    weights: Mapping[str, float]
    average_lengths: Mapping[str, float]
    """The mean number of terms in a field, over all documents."""
    documents: int

    def no_matches(self) -> Matches:
        size = len(self.alive if self.candidates is None else self.candidates)
        return np.zeros(size, np.bool_), np.zeros(size, np.float32)

    def all_rows(self) -> Mask:
        return ~self.no_matches()[0]

    def add_scores(
        self, matches: Matches, text_field: Field, parts: Sequence[Ints], frequency: int, boost: float
    ) -> None:
        """Add the score of one term to the rows of its occurrences.

        `parts` are ascending rows, each row as often as the term occurs in it; `frequency` is the number of documents
        that have the term.
        """
        name = text_field.name
        idf = np.log(1 + (self.documents - frequency + 0.5) / (frequency + 0.5))
        weight = np.float32(idf * boost * self.weights.get(name, 1.0))
        constant = np.float32(K1 * (1 - B))
        for part in parts:
            indices, times = self._count(part)
            rows = indices if self.candidates is None else self.candidates[indices]
            lengths = self.inverted.lengths[name][rows].astype(np.float32)
            matches[0][indices] = True
            matches[1][indices] += weight * (
                times / (times + constant + np.float32(K1 * B / self.average_lengths[name]) * lengths)
            )

    def _count(self, rows: Ints) -> tuple[Rows, Scores]:
        """Return the indices of the rows in masks and scores, and how often each row occurs."""
        if self.candidates is not None:
            ends = [np.searchsorted(rows, self.candidates, side) for side in ("left", "right")]
            times = ends[1] - ends[0]
            indices = np.flatnonzero(times)
            return indices, times[indices].astype(np.float32)
        first = np.flatnonzero(np.concatenate([[True], rows[1:] != rows[:-1]])) if len(rows) else np.zeros(0, np.int64)
        return rows[first].astype(np.int64), np.diff(np.append(first, len(rows))).astype(np.float32)


@dataclass(frozen=True)
class Node:
    """A part of a query. `fields` is empty where the query names none."""

    fields: tuple[Field, ...] = field(default=(), kw_only=True)
    boost: float = field(default=1.0, kw_only=True)

    def match(self, context: QueryContext) -> Matches | None:
        """Return the matching rows; None when analysis leaves no term, so that the node must not count."""
        raise NotImplementedError

    def terms(self, context: QueryContext) -> set[tuple[str, str]]:
        """Return (field name, term) pairs to highlight."""
        raise NotImplementedError


@dataclass(frozen=True)
class Everything(Node):
    """All rows."""

    def match(self, context: QueryContext) -> Matches:
        rows = context.all_rows()
        return rows, rows.astype(np.float32) * np.float32(self.boost)

    def terms(self, _: QueryContext) -> set[tuple[str, str]]:
        return set()


@dataclass(frozen=True)
class Phrase(Node):
    """Words in a row; a single word is a phrase of one. `slop` is how far the words may be moved in all."""

    text: str
    slop: int = 0

    def match(self, context: QueryContext) -> Matches | None:
        matches, has_terms = context.no_matches(), False
        for text_field in self.fields or context.fields:
            analyzed = enumerate(tokens(text_field.analyzer, self.text))
            terms = [(term, offset) for offset, (term, _, _) in analyzed if term]
            if terms:
                has_terms = True
                parts, frequency = self._rows(context, text_field.name, terms)
                context.add_scores(matches, text_field, parts, frequency, self.boost)
        return matches if has_terms else None

    def _rows(self, context: QueryContext, name: str, terms: Sequence[tuple[str, int]]) -> tuple[list[Ints], int]:
        """Return the row of each occurrence, and the number of documents that have the phrase."""
        if len(terms) == 1:
            term = terms[0][0]
            return context.inverted.rows(name, term), context.inverted.documents(name, term, context.alive)
        rows = self._phrase_rows(context.inverted, name, terms)
        return [rows], count_distinct(rows, context.alive)

    def _phrase_rows(self, inverted: InvertedIndex, name: str, terms: Sequence[tuple[str, int]]) -> Ints:
        """Move each word's positions back by its place in the phrase, so that a phrase has equal positions."""
        codes = []
        for term, offset in terms:
            rows, positions = inverted.occurrences(name, term)
            codes.append(rows.astype(np.int64) * MAX_POSITION + positions + terms[-1][1] - offset)
        if self.slop:
            return _rows_within_slop(codes, self.slop)
        return (reduce(np.intersect1d, codes) // MAX_POSITION).astype(np.int32)

    def terms(self, context: QueryContext) -> set[tuple[str, str]]:
        return {
            (text_field.name, term)
            for text_field in self.fields or context.fields
            for term, _, _ in tokens(text_field.analyzer, self.text)
            if term
        }


@dataclass(frozen=True)
class Expansion(Node):
    """A prefix, pattern or fuzzy word, which stands for all terms of the index that its matcher accepts."""

    text: str
    matcher: Matcher = field(repr=False)

    def _expanded(self, context: QueryContext, text_field: Field) -> list[str]:
        accepts = self.matcher(normalized(text_field.analyzer, self.text))
        return sorted(term for term in context.inverted.terms(text_field.name) if accepts(term))[:MAX_EXPANSIONS]

    def match(self, context: QueryContext) -> Matches:
        """Return the matching rows, each with the boost as its score, as Lucene scores rewritten queries."""
        mask = np.zeros(len(context.alive), np.bool_)
        for text_field in self.fields or context.fields:
            for term in self._expanded(context, text_field):
                for rows in context.inverted.rows(text_field.name, term):
                    mask[rows] = True
        if context.candidates is not None:
            mask = mask[context.candidates]
        return mask, mask.astype(np.float32) * np.float32(self.boost)

    def terms(self, context: QueryContext) -> set[tuple[str, str]]:
        fields = self.fields or context.fields
        return {(text_field.name, term) for text_field in fields for term in self._expanded(context, text_field)}


@dataclass(frozen=True)
class Group(Node):
    """Several nodes: all of `must`, none of `never`, and at least one of `may` if there is no `must`."""

    must: tuple[Node, ...] = ()
    may: tuple[Node, ...] = ()
    never: tuple[Node, ...] = ()

    def match(self, context: QueryContext) -> Matches | None:
        must, may, never = (_matches(nodes, context) for nodes in (self.must, self.may, self.never))
        if not must and not may:
            return context.no_matches() if never else None
        if must:
            matched = np.logical_and.reduce([rows for rows, _ in must])
        else:
            matched = np.logical_or.reduce([rows for rows, _ in may])
        for rows, _ in never:
            matched &= ~rows
        scores = np.add.reduce([node_scores for _, node_scores in must + may])
        return matched, scores * np.float32(self.boost)

    def terms(self, context: QueryContext) -> set[tuple[str, str]]:
        return set().union(*(node.terms(context) for node in self.must + self.may))


def _matches(nodes: Sequence[Node], context: QueryContext) -> list[Matches]:
    return [matches for node in nodes if (matches := node.match(context))]


def _rows_within_slop(codes: Sequence[npt.NDArray[np.int64]], slop: int) -> Ints:
    """Return the rows in which the moved positions of all words lie within `slop`, as in Lucene's sloppy phrases."""
    common = reduce(np.intersect1d, [code // MAX_POSITION for code in codes])
    positions = [code[np.isin(code // MAX_POSITION, common)] for code in codes]
    rows = []
    for first in positions[0]:
        nearest = [int(first)]
        for others in positions[1:]:
            after = min(int(np.searchsorted(others, first)), len(others) - 1)
            nearest.append(int(min(others[max(0, after - 1) : after + 1], key=lambda other: abs(int(other - first)))))
        if max(nearest) - min(nearest) <= slop:
            rows.append(int(first) // MAX_POSITION)
    return np.array(rows, np.int32)


def prefix(text: str) -> Callable[[str], bool]:
    return lambda term: term.startswith(text)


def wildcard(text: str) -> Callable[[str], bool]:
    pattern = "".join(".*" if char == "*" else "." if char == "?" else re.escape(char) for char in text)
    return _fullmatch(re.compile(pattern, re.DOTALL))


def regex(text: str) -> Callable[[str], bool]:
    return _fullmatch(re.compile(text))


def _fullmatch(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    return lambda term: pattern.fullmatch(term) is not None
