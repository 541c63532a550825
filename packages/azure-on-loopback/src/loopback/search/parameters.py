"""The parameters of a search request: read with their types, refused by name where there is no such thing here."""

from collections.abc import Mapping, Sequence
from typing import Any

from loopback.search.problems import ServiceProblem, bad

KNOWN = {
    "search", "count", "facets", "filter", "highlight", "highlightPreTag", "highlightPostTag", "minimumCoverage",
    "orderby", "queryType", "scoringProfile", "searchFields", "searchMode", "select", "skip", "top", "sessionId",
    "scoringStatistics", "semanticConfiguration", "semanticQuery", "semanticErrorHandling",
    "semanticMaxWaitInMilliseconds", "answers", "captions", "vectorQueries", "vectorFilterMode",
}  # fmt: skip
QUERY_TYPES = ("simple", "full", "semantic")


class Parameters:
    def __init__(self, body: Any) -> None:
        if not isinstance(body, dict):
            raise bad("The body of a search must be a JSON object.")
        for name in sorted(body.keys() - KNOWN):
            if body[name] is not None:
                raise bad(f"The parameter '{name}' is not supported here.")
        self.body: Mapping[str, Any] = body
        self.one_of("queryType", QUERY_TYPES)
        self.one_of("vectorFilterMode", ("preFilter", "postFilter"))
        self.one_of("scoringStatistics", ("local", "global"))
        if self.text("queryType") == "semantic" and self.text("orderby"):
            raise self.wrong("orderby", "can't be used with queryType semantic")

    def wrong(self, name: str, why: str) -> ServiceProblem:
        shown = repr(self.body.get(name))[:80]
        return bad(f"The value {shown} of '{name}' {why}. Parameter name: {name}")

    def text(self, name: str) -> str | None:
        value = self.body.get(name)
        if value is not None and not isinstance(value, str):
            raise self.wrong(name, "must be a text")
        return value

    def one_of(self, name: str, values: Sequence[str]) -> str:
        """The value, the first of `values` if there is none."""
        value = self.text(name) or values[0]
        if value not in values:
            raise self.wrong(name, f"must be one of {', '.join(values)}")
        return value

    def flag(self, name: str) -> bool:
        value = self.body.get(name)
        if value is not None and not isinstance(value, bool):
            raise self.wrong(name, "must be true or false")
        return bool(value)

    def number(self, name: str) -> int | None:
        value = self.body.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 0):
            raise self.wrong(name, "must be a whole number of at least 0")
        return value

    def rows(self, name: str) -> list[Any]:
        value = self.body.get(name)
        if value is not None and not isinstance(value, list):
            raise self.wrong(name, "must be a list")
        return value or []

    def names(self, name: str) -> list[str]:
        """A list of names, written with commas or as a list."""
        value = self.body.get(name)
        parts = value if isinstance(value, list) else (self.text(name) or "").split(",")
        return [str(part).strip() for part in parts if str(part).strip()]


def refused(name: str, attribute: str, parameter: str) -> ServiceProblem:
    return bad(f"The field '{name}' is not {attribute}. Parameter name: {parameter}")
