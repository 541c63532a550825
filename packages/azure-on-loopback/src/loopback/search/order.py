"""`orderby`: up to 32 fields or search.score(), each ascending or descending; null is the smallest value."""

from typing import Any

from loopback.search.errors import bad_request
from loopback.search.parameters import lacks_attribute
from loopback.search.ranking import Ranking
from loopback.search.table import Table

MAX_TERMS = 32
_SCORE = "search.score()"


def in_order(table: Table, text: str, ranking: Ranking) -> Ranking:
    """Sort the rows; equal rows keep their order by score. Raises 400 naming a field that is not sortable."""
    terms = [_parse(part) for part in text.split(",")]
    if len(terms) > MAX_TERMS:
        raise bad_request(f"At most {MAX_TERMS} terms are allowed. Parameter name: $orderby")
    rows = [row for row, _ in ranking]
    for name, descending in reversed(terms):
        values = _values(table, name, ranking, rows)
        ranking = sorted(ranking, key=lambda hit: _sort_key(values.get(hit[0])), reverse=descending)
    return ranking


def _parse(term: str) -> tuple[str, bool]:
    words = term.split()
    if not words or len(words) > 2 or words[1:] not in ([], ["asc"], ["desc"]):
        raise bad_request(f"Invalid expression: {term.strip()!r}. Parameter name: $orderby")
    if words[0].startswith("geo."):
        raise bad_request(f"The function {words[0]!r} is not supported here. Parameter name: $orderby")
    return words[0], words[1:] == ["desc"]


def _values(table: Table, name: str, ranking: Ranking, rows: list[int]) -> dict[int, Any]:
    if name == _SCORE:
        return dict(ranking)
    field = table.index.field(name, "$orderby")
    if not field.sortable:
        raise lacks_attribute(name, "sortable", "$orderby")
    return dict(table.documents.values(field, rows))


def _sort_key(value: Any) -> tuple[bool, Any]:
    return (value is not None, value)
