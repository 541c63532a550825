"""The words of a filter, one at a time, and what its literals mean."""

import re
from collections.abc import Iterator
from typing import Any

from loopback.search.definitions import Field
from loopback.search.problems import ServiceProblem, bad
from loopback.search.values import instant

_TOKEN = re.compile(
    r"\s*(?:(?P<string>'(?:[^']|'')*')|(?P<date>\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d))"
    r"|(?P<number>-?(?:\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|INF)|NaN)(?![\w.])"
    r"|(?P<name>[A-Za-z_][\w.]*)|(?P<mark>[(),:/]))"
)
_LITERALS = ("string", "number", "date")
_CONSTANTS = ("null", "true", "false")


class Words:
    """A filter, read from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(self._split())
        self._place = 0

    def _split(self) -> Iterator[tuple[str, str]]:
        end, length = 0, len(self._text.rstrip())
        while end < length:
            found = _TOKEN.match(self._text, end)
            if found is None:
                raise self.wrong(f"syntax error at position {end}")
            yield str(found.lastgroup), found[str(found.lastgroup)]
            end = found.end()

    def wrong(self, why: str) -> ServiceProblem:
        return bad(f"Invalid expression: {why} in '{self._text[:200]}'. Parameter name: $filter")

    @property
    def at_end(self) -> bool:
        return self._place >= len(self._tokens)

    def peek(self) -> tuple[str, str]:
        return ("end", "end of filter") if self.at_end else self._tokens[self._place]

    def next(self, kind: str | None = None, value: str | None = None) -> str:
        got_kind, got = self.peek()
        if (kind is not None and got_kind != kind) or (value is not None and got != value):
            raise self.wrong(f"expected {value or kind}, found {got!r}")
        self._place += 1
        return got

    def take(self, kind: str, value: str) -> bool:
        """Go past this word, if it is next."""
        if self.peek() != (kind, value):
            return False
        self._place += 1
        return True

    def at_literal(self) -> bool:
        kind, text = self.peek()
        return kind in _LITERALS or (kind == "name" and text in _CONSTANTS)

    def string(self) -> str:
        return self.next("string")[1:-1].replace("''", "'")

    def literal(self, field: Field, token: tuple[str, str] | None = None) -> Any:
        """The value of the next word (or of `token`), to be compared with values of `field`."""
        kind, text = token or self.peek()
        if token is None:
            self._place += 1
        if (kind, text) == ("name", "null"):
            return None
        if kind == "string" and field.base == "Edm.String":
            return text[1:-1].replace("''", "'")
        if kind == "number" and field.base in ("Edm.Int32", "Edm.Int64", "Edm.Double"):
            return int(text) if text.lstrip("-").isdigit() and len(text) < 19 else float(text)
        if kind == "date" and field.base == "Edm.DateTimeOffset":
            try:
                return instant(text)
            except ValueError:
                raise self.wrong(f"{text!r} is no moment") from None
        if kind == "name" and text in ("true", "false") and field.base == "Edm.Boolean":
            return int(text == "true")
        raise self.wrong(f"{text!r} can't be compared with '{field.name}' of type {field.type}")
