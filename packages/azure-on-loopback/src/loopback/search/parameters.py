"""The parameters of a search request, read with their types; unsupported ones are refused by name."""

from collections.abc import Mapping, Sequence
from typing import Any

from loopback.search.errors import ApiError, bad_request

SUPPORTED = {
    "search", "count", "facets", "filter", "highlight", "highlightPreTag", "highlightPostTag", "minimumCoverage",
    "orderby", "queryType", "scoringProfile", "searchFields", "searchMode", "select", "skip", "top", "sessionId",
    "scoringStatistics", "semanticConfiguration", "semanticQuery", "semanticErrorHandling",
    "semanticMaxWaitInMilliseconds", "answers", "captions", "vectorQueries", "vectorFilterMode",
}  # fmt: skip
QUERY_TYPES = ("simple", "full", "semantic")


class Parameters:
    """The body of a search request; every method raises 400 naming its parameter."""

    def __init__(self, body: Any) -> None:
        if not isinstance(body, dict):
            raise bad_request("The body of a search must be a JSON object.")
        for name in sorted(body.keys() - SUPPORTED):
            if body[name] is not None:
                raise bad_request(f"The parameter '{name}' is not supported here.")
        self.body: Mapping[str, Any] = body
        self.one_of("queryType", QUERY_TYPES)
        self.one_of("vectorFilterMode", ("preFilter", "postFilter"))
        self.one_of("scoringStatistics", ("local", "global"))
        if self.text("queryType") == "semantic" and self.text("orderby"):
            raise self.invalid("orderby", "can't be used with queryType semantic")

    def invalid(self, name: str, why: str) -> ApiError:
        """Make the error for a parameter's value."""
        quoted = repr(self.body.get(name))[:80]
        return bad_request(f"The value {quoted} of '{name}' {why}. Parameter name: {name}")

    def text(self, name: str) -> str | None:
        value = self.body.get(name)
        if value is not None and not isinstance(value, str):
            raise self.invalid(name, "must be a text")
        return value

    def one_of(self, name: str, choices: Sequence[str]) -> str:
        """Return the value, or the first choice when there is none."""
        value = self.text(name) or choices[0]
        if value not in choices:
            raise self.invalid(name, f"must be one of {', '.join(choices)}")
        return value

    def flag(self, name: str) -> bool:
        value = self.body.get(name)
        if value is not None and not isinstance(value, bool):
            raise self.invalid(name, "must be true or false")
        return bool(value)

    def number(self, name: str) -> int | None:
        value = self.body.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 0):
            raise self.invalid(name, "must be a whole number of at least 0")
        return value

    def items(self, name: str) -> list[Any]:
        value = self.body.get(name)
        if value is not None and not isinstance(value, list):
            raise self.invalid(name, "must be a list")
        return value or []

    def names(self, name: str) -> list[str]:
        """Return names that are written with commas or as a list."""
        value = self.body.get(name)
        parts = value if isinstance(value, list) else (self.text(name) or "").split(",")
        return [str(part).strip() for part in parts if str(part).strip()]


def lacks_attribute(field: str, attribute: str, parameter: str) -> ApiError:
    """Make the error for a field that is not `attribute` (retrievable, sortable, facetable)."""
    return bad_request(f"The field '{field}' is not {attribute}. Parameter name: {parameter}")
