"""`orderby`: up to 32 fields or search.score(), each asc or desc; null is the smallest value."""

from typing import Any

from loopback.search.parameters import refused
from loopback.search.problems import bad
from loopback.search.ranking import Ranking
from loopback.search.table import Table

MAX_TERMS = 32
_SCORE = "search.score()"


def ordered(table: Table, text: str, ranking: Ranking) -> Ranking:
    """Raises 400 naming a field that can't be sorted by. Rows that are equal keep their order by score."""
    terms = [_term(part) for part in text.split(",")]
    if len(terms) > MAX_TERMS:
        raise bad(f"At most {MAX_TERMS} terms can be given. Parameter name: $orderby")
    rows = [row for row, _ in ranking]
    for name, descending in reversed(terms):
        values = _values(table, name, ranking, rows)
        ranking = sorted(ranking, key=lambda each: _rank(values.get(each[0])), reverse=descending)
    return ranking


def _term(part: str) -> tuple[str, bool]:
    words = part.split()
    if not words or len(words) > 2 or words[1:] not in ([], ["asc"], ["desc"]):
        raise bad(f"Invalid expression: {part.strip()!r}. Parameter name: $orderby")
    if words[0].startswith("geo."):
        raise bad(f"The function {words[0]!r} is not supported here. Parameter name: $orderby")
    return words[0], words[1:] == ["desc"]


def _values(table: Table, name: str, ranking: Ranking, rows: list[int]) -> dict[int, Any]:
    if name == _SCORE:
        return dict(ranking)
    field = table.index.field(name, "$orderby")
    if not field.sortable:
        raise refused(name, "sortable", "$orderby")
    return dict(table.documents.values(field, rows))


def _rank(value: Any) -> tuple[bool, Any]:
    return (value is not None, value)
