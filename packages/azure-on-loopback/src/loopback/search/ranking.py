"""Rankings by words and by vectors, and their fusion."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from loopback.search.matching import Node, Reading
from loopback.search.odata import compile_filter
from loopback.search.parameters import Parameters
from loopback.search.problems import bad
from loopback.search.table import Table
from loopback.search.vectors import Mask, Rows

NEAREST = 50
"""The neighbours of a vector query that names no `k`."""
MAX_VECTOR_FIELDS = 10
MAX_BY_WORDS = 1_000
"""Of the ranking by words, as much goes into a hybrid search."""
FUSION = 60
"""The constant of reciprocal rank fusion, as the service documents it."""
SPARSE = 4
"""A filter that lets fewer than one row in so many through is applied to rows one by one."""
_VECTOR_KEYS = {"kind", "vector", "fields", "k", "exhaustive", "weight", "oversampling"}

Ranking = list[tuple[int, float]]


class Filtered:
    """The rows that the filter of a request lets through."""

    def __init__(self, table: Table, text: str | None) -> None:
        self.rows: Rows | None = table.documents.matching(compile_filter(text, table.index)) if text else None
        self.mask: Mask = table.alive
        if self.rows is not None:
            self.mask = np.zeros(len(table.alive), np.bool_)
            self.mask[self.rows] = True

    @property
    def sparse(self) -> Rows | None:
        return self.rows if self.rows is not None and len(self.rows) * SPARSE < len(self.mask) else None


def ranked(table: Table, given: Parameters, words: tuple[Node, Reading] | None, filtered: Filtered) -> Ranking:
    """Rows and scores, best first."""
    vectors = given.rows("vectorQueries")
    by_vectors = [each for query in vectors for each in _by_vector(table, given, query, filtered)]
    if words is None and not vectors:
        return [(row, 1.0) for row in np.flatnonzero(filtered.mask).tolist()]
    if words is None and len(by_vectors) == 1:
        return [(row, 1 / (2 - cosine)) for row, cosine in by_vectors[0][1]]
    if words is None:
        return _fused(by_vectors)
    by_words = _by_words(words, filtered, MAX_BY_WORDS if vectors else None)
    return _fused([(1.0, by_words), *by_vectors]) if vectors else by_words


def _by_words(words: tuple[Node, Reading], filtered: Filtered, most: int | None) -> Ranking:
    node, reading = words
    found = node.find(reading)
    if found is None:
        return []
    among = reading.among
    places = np.flatnonzero(found[0] & filtered.mask) if among is None else np.flatnonzero(found[0])
    rows, scores = places if among is None else among[places], found[1][places]
    if most is not None and len(rows) > most:
        some = np.argpartition(-scores, most - 1)[:most]
        rows, scores = rows[some], scores[some]
    order = np.lexsort((rows, -scores))
    return list(zip(rows[order].tolist(), scores[order].tolist(), strict=True))


def _by_vector(table: Table, given: Parameters, query: Any, filtered: Filtered) -> list[tuple[float, Ranking]]:
    """A ranking of its own for each field that the query names."""
    vector, names, k, weight = _read(query)
    post = given.text("vectorFilterMode") == "postFilter"
    rankings = []
    for name in names:
        field = table.index.field(name, "vectorQueries")
        if not field.is_vector or not field.searchable:
            raise bad(f"The field '{name}' is not a searchable vector field. Parameter name: vectorQueries")
        if len(vector) != field.dimensions:
            message = f"The vector field '{name}' expects a length of '{field.dimensions}'"
            raise bad(f"{message}, the query vector has '{len(vector)}'. Parameter name: vectorQueries")
        if post:
            nearest = [each for each in table.nearest(name, vector, k, None, None) if filtered.mask[each[0]]]
        else:
            nearest = table.nearest(name, vector, k, filtered.mask, filtered.sparse)
        rankings.append((weight, nearest))
    return rankings


def _read(query: Any) -> tuple[list[float], list[str], int, float]:
    if not isinstance(query, Mapping) or query.get("kind") != "vector":
        kind = query.get("kind") if isinstance(query, Mapping) else query
        raise bad(f"The vector query kind {kind!r} is not supported here. Parameter name: vectorQueries")
    for name in sorted(query.keys() - _VECTOR_KEYS):
        if query[name] is not None:
            raise bad(f"The parameter '{name}' is not supported here. Parameter name: vectorQueries")
    vector, k, weight = query.get("vector"), query.get("k") or NEAREST, query.get("weight")
    if not isinstance(vector, list) or not all(isinstance(each, int | float) for each in vector) or not any(vector):
        raise bad("A vector must be a list of numbers, not all of them 0. Parameter name: vectorQueries")
    if isinstance(k, bool) or not isinstance(k, int) or k < 1:
        raise bad(f"k must be a whole number of at least 1, not {k!r}. Parameter name: vectorQueries")
    if weight is not None and (not isinstance(weight, int | float) or weight <= 0):
        raise bad(f"weight must be above 0, not {weight!r}. Parameter name: vectorQueries")
    names = [name.strip() for name in str(query.get("fields") or "").split(",") if name.strip()]
    if not 1 <= len(names) <= MAX_VECTOR_FIELDS:
        raise bad(f"A vector query names 1 to {MAX_VECTOR_FIELDS} fields. Parameter name: vectorQueries")
    return vector, names, k, 1.0 if weight is None else float(weight)


def _fused(rankings: Sequence[tuple[float, Ranking]]) -> Ranking:
    scores: dict[int, float] = {}
    for weight, ranking in rankings:
        for rank, (row, _) in enumerate(ranking, start=1):
            scores[row] = scores.get(row, 0.0) + weight / (FUSION + rank)
    return sorted(scores.items(), key=lambda each: (-each[1], each[0]))
