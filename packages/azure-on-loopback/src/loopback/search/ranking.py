"""Rankings by words and by vectors, and their fusion."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from loopback.search.errors import bad_request
from loopback.search.matching import Node, QueryContext
from loopback.search.odata import compile_filter
from loopback.search.parameters import Parameters
from loopback.search.table import Table
from loopback.search.vectors import Mask, Rows

DEFAULT_K = 50
"""The neighbours of a vector query that names no `k`."""
MAX_VECTOR_FIELDS = 10
MAX_WORD_HITS = 1_000
"""The best rows by words that go into a hybrid search."""
FUSION_CONSTANT = 60
"""The constant of reciprocal rank fusion, as the service documents it."""
FEW_SHARE = 4
"""A filter that lets through fewer than one row in this many is evaluated on those rows alone."""
_VECTOR_KEYS = {"kind", "vector", "fields", "k", "exhaustive", "weight", "oversampling"}

Ranking = list[tuple[int, float]]
"""Rows and scores, best first."""


class FilteredRows:
    """The rows that the filter of a request lets through."""

    def __init__(self, table: Table, text: str | None) -> None:
        self.mask: Mask = table.alive
        self.few: Rows | None = None
        """The rows, where they are few."""
        if text:
            rows = table.documents.matching(compile_filter(text, table.index))
            self.mask = np.zeros(len(table.alive), np.bool_)
            self.mask[rows] = True
            if len(rows) * FEW_SHARE < len(self.mask):
                self.few = rows


def rank(
    table: Table, parameters: Parameters, query: tuple[Node, QueryContext] | None, filtered: FilteredRows
) -> Ranking:
    """Rank rows by the query's words, by its vectors, or by both; raises 400 naming the parameter."""
    vector_queries = parameters.items("vectorQueries")
    by_vectors = [ranking for item in vector_queries for ranking in _by_vector(table, parameters, item, filtered)]
    if query is None and not vector_queries:
        return [(row, 1.0) for row in np.flatnonzero(filtered.mask).tolist()]
    if query is None and len(by_vectors) == 1:
        return [(row, 1 / (2 - cosine)) for row, cosine in by_vectors[0][1]]
    if query is None:
        return _reciprocal_rank_fusion(by_vectors)
    by_words = _by_words(*query, filtered, MAX_WORD_HITS if vector_queries else None)
    return _reciprocal_rank_fusion([(1.0, by_words), *by_vectors]) if vector_queries else by_words


def _by_words(node: Node, context: QueryContext, filtered: FilteredRows, limit: int | None) -> Ranking:
    matches = node.match(context)
    if matches is None:
        return []
    mask, all_scores = matches
    few = context.candidates
    indices = np.flatnonzero(mask & filtered.mask if few is None else mask)
    rows, scores = indices if few is None else few[indices], all_scores[indices]
    if limit is not None and len(rows) > limit:
        top = np.argpartition(-scores, limit - 1)[:limit]
        rows, scores = rows[top], scores[top]
    order = np.lexsort((rows, -scores))
    return list(zip(rows[order].tolist(), scores[order].tolist(), strict=True))


def _by_vector(table: Table, parameters: Parameters, query: Any, filtered: FilteredRows) -> list[tuple[float, Ranking]]:
    """Return a weight and a ranking for each field that the vector query names."""
    vector, names, k, weight = _read(query)
    post_filter = parameters.text("vectorFilterMode") == "postFilter"
    rankings = []
    for name in names:
        field = table.index.field(name, "vectorQueries")
        if not field.is_vector or not field.searchable:
            raise bad_request(f"The field '{name}' is not a searchable vector field. Parameter name: vectorQueries")
        if len(vector) != field.dimensions:
            message = f"The vector field '{name}' expects a length of '{field.dimensions}'"
            raise bad_request(f"{message}, the query vector has '{len(vector)}'. Parameter name: vectorQueries")
        if post_filter:
            nearest = [hit for hit in table.nearest(name, vector, k, None, None) if filtered.mask[hit[0]]]
        else:
            nearest = table.nearest(name, vector, k, filtered.mask, filtered.few)
        rankings.append((weight, nearest))
    return rankings


def _read(query: Any) -> tuple[list[float], list[str], int, float]:
    """Return the vector, the fields, k and the weight of a vector query; raises 400."""
    if not isinstance(query, Mapping) or query.get("kind") != "vector":
        kind = query.get("kind") if isinstance(query, Mapping) else query
        raise bad_request(f"The vector query kind {kind!r} is not supported here. Parameter name: vectorQueries")
    for name in sorted(query.keys() - _VECTOR_KEYS):
        if query[name] is not None:
            raise bad_request(f"The parameter '{name}' is not supported here. Parameter name: vectorQueries")
    vector, k, weight = query.get("vector"), query.get("k") or DEFAULT_K, query.get("weight")
    if not isinstance(vector, list) or not all(isinstance(part, int | float) for part in vector) or not any(vector):
        raise bad_request("A vector must be a list of numbers, not all of them 0. Parameter name: vectorQueries")
    if isinstance(k, bool) or not isinstance(k, int) or k < 1:
        raise bad_request(f"k must be a whole number of at least 1, not {k!r}. Parameter name: vectorQueries")
    if weight is not None and (not isinstance(weight, int | float) or weight <= 0):
        raise bad_request(f"weight must be above 0, not {weight!r}. Parameter name: vectorQueries")
    names = [name.strip() for name in str(query.get("fields") or "").split(",") if name.strip()]
    if not 1 <= len(names) <= MAX_VECTOR_FIELDS:
        raise bad_request(f"A vector query names 1 to {MAX_VECTOR_FIELDS} fields. Parameter name: vectorQueries")
    return vector, names, k, 1.0 if weight is None else float(weight)


def _reciprocal_rank_fusion(rankings: Sequence[tuple[float, Ranking]]) -> Ranking:
    scores: dict[int, float] = {}
    for weight, ranking in rankings:
        for position, (row, _) in enumerate(ranking, start=1):
            scores[row] = scores.get(row, 0.0) + weight / (FUSION_CONSTANT + position)
    return sorted(scores.items(), key=lambda hit: (-hit[1], hit[0]))
