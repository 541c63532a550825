"""One search request: words, vectors, both by reciprocal rank fusion, filtered, ordered, paged."""

from collections.abc import Mapping, Sequence
from typing import Any

from local.search_service.definitions import Index
from local.search_service.odata import Clause, column, compile_filter
from local.search_service.problems import bad
from local.search_service.query import expression
from local.search_service.store import Table

KNOWN = {
    "search", "count", "filter", "orderby", "select", "top", "skip", "searchFields", "searchMode", "queryType",
    "vectorQueries", "vectorFilterMode", "scoringProfile", "minimumCoverage", "sessionId",
}  # fmt: skip
PAGE = 50
MAX_PAGE = 1_000
MAX_SKIP = 100_000
MAX_BY_WORDS = 1_000
"""Of the ranking by words, as much goes into a hybrid search."""
FUSION = 60
"""The constant of reciprocal rank fusion, as the service documents it."""

Ranking = list[tuple[int, float]]


def search(table: Table, body: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to `search.post.search`; raises 400 naming the parameter."""
    unknown = body.keys() - KNOWN
    if unknown:
        raise bad(f"The parameter {sorted(unknown)[0]!r} is not supported here.")
    if body.get("queryType", "simple") != "simple":
        raise bad(f"queryType is {body['queryType']!r}: only simple is supported here. Parameter name: queryType")
    clause = compile_filter(body["filter"], table.index) if body.get("filter") else None
    ranking = _ranked(table, body, clause)
    top, skip = _number(body, "top", None), _number(body, "skip", 0) or 0
    if skip > MAX_SKIP:
        raise bad(f"Value must be at most {MAX_SKIP}. Parameter name: $skip")
    page = min(PAGE if top is None else top, MAX_PAGE)
    rows = ranking[skip : skip + page]
    names = _selected(table.index, body.get("select"))
    documents = table.bodies([row for row, _ in rows])
    answer: dict[str, Any] = {}
    if body.get("count"):
        answer["@odata.count"] = len(ranking)
    wanted = len(ranking) if top is None else min(len(ranking), skip + top)
    if skip + page < wanted:
        further = {**body, "skip": skip + page}
        if top is not None:
            further["top"] = top - page
        answer["@search.nextPageParameters"] = further
    answer["value"] = [
        {"@search.score": score, **{name: document.get(name) for name in names}}
        for (_, score), document in zip(rows, documents, strict=True)
    ]
    return answer


def _ranked(table: Table, body: Mapping[str, Any], clause: Clause | None) -> Ranking:
    vectors = body.get("vectorQueries") or []
    text = body.get("search") or ""
    rankings: list[tuple[float, Ranking]] = []
    if text not in ("", "*"):
        most = MAX_BY_WORDS if vectors else -1
        rankings.append((1.0, _by_words(table, body, text, clause, most)))
    if vectors:
        among = set(table.matching(clause)) if clause else None
        for query in vectors:
            rankings += _by_vector(table, query, among)
    if body.get("orderby"):
        return _ordered(table, body["orderby"], clause, rankings)
    if not rankings:
        return [(row, 1.0) for row in table.matching(clause)]
    if len(rankings) == 1 and not vectors:
        return rankings[0][1]
    if len(rankings) == 1:
        return [(row, 1 / (2 - cosine)) for row, cosine in rankings[0][1]]
    return _fused(rankings)


def _by_words(table: Table, body: Mapping[str, Any], text: str, clause: Clause | None, most: int) -> Ranking:
    index = table.index
    names = [name.strip() for name in (body.get("searchFields") or "").split(",") if name.strip()]
    for name in names:
        if not index.field(name, "searchFields").is_text:
            raise bad(f"The field '{name}' is not searchable. Parameter name: searchFields")
    columns = tuple(names or (field.name for field in index.text_fields))
    match = expression(str(text), body.get("searchMode") or "any", columns)
    return table.by_words(match, clause, index.weights(body.get("scoringProfile")), most) if match else []


def _by_vector(table: Table, query: Mapping[str, Any], among: set[int] | None) -> list[tuple[float, Ranking]]:
    if query.get("kind") != "vector":
        raise bad(f"The vector query kind {query.get('kind')!r} is not supported here. Parameter name: vectorQueries")
    vector = query.get("vector") or []
    names = [name.strip() for name in (query.get("fields") or "").split(",") if name.strip()]
    rankings = []
    for name in names:
        field = table.index.field(name, "vectorQueries")
        if not field.is_vector:
            raise bad(f"The field '{name}' is not a vector field. Parameter name: vectorQueries")
        if len(vector) != field.dimensions:
            message = f"The vector field '{name}' expects a length of '{field.dimensions}'"
            raise bad(f"{message}, the query vector has '{len(vector)}'. Parameter name: vectorQueries")
        nearest = table.vectors[name].nearest(vector, int(query.get("k") or PAGE), among)
        rankings.append((float(query.get("weight") or 1.0), nearest))
    return rankings


def _fused(rankings: Sequence[tuple[float, Ranking]]) -> Ranking:
    scores: dict[int, float] = {}
    for weight, ranking in rankings:
        for rank, (row, _) in enumerate(ranking, start=1):
            scores[row] = scores.get(row, 0.0) + weight / (FUSION + rank)
    return sorted(scores.items(), key=lambda each: (-each[1], each[0]))


def _ordered(table: Table, text: str, clause: Clause | None, rankings: Sequence[tuple[float, Ranking]]) -> Ranking:
    """In the order of fields; of what words or vectors found, if there were any."""
    terms = []
    for part in text.split(","):
        name, _, direction = part.strip().partition(" ")
        if direction.strip() not in ("", "asc", "desc"):
            raise bad(f"Invalid expression: {part.strip()!r}. Parameter name: $orderby")
        field = table.index.field(name, "$orderby")
        if not field.sortable:
            raise bad(f"The field '{name}' is not sortable. Parameter name: $orderby")
        terms.append(f"{column(field)} {direction.strip() or 'asc'}")
    found = {row for _, ranking in rankings for row, _ in ranking}
    rows = table.matching(clause, order=", ".join([*terms, "row"]))
    return [(row, 1.0) for row in rows if not rankings or row in found]


def _selected(index: Index, text: str | None) -> list[str]:
    if not text or text.strip() == "*":
        return [field.name for field in index.fields.values() if field.retrievable and not field.is_vector]
    names = [name.strip() for name in text.split(",")]
    for name in names:
        if not index.field(name, "$select").retrievable:
            raise bad(f"The field '{name}' is not retrievable. Parameter name: $select")
    return names


def _number(body: Mapping[str, Any], name: str, default: int | None) -> int | None:
    value = body.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise bad(f"Value must be a whole number of at least 0, not {value!r}. Parameter name: ${name}")
    return value
