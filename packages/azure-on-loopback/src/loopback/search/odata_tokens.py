"""The tokens of a filter, read one at a time, and the values of its literals."""

import re
from collections.abc import Iterator
from typing import Any

from loopback.search.definitions import Field
from loopback.search.errors import ApiError, bad_request
from loopback.search.values import stored_timestamp

_TOKEN = re.compile(
    r"\s*(?:(?P<string>'(?:[^']|'')*')|(?P<date>\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d))"
    r"|(?P<number>-?(?:\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|INF)|NaN)(?![\w.])"
    r"|(?P<name>[A-Za-z_][\w.]*)|(?P<mark>[(),:/]))"
)
_LITERALS = ("string", "number", "date")
_CONSTANTS = ("null", "true", "false")
Token = tuple[str, str]
"""The kind of a token and its text."""


class Tokens:
    """The tokens of a filter, read from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(self._split())
        self._position = 0

    def _split(self) -> Iterator[Token]:
        end, length = 0, len(self._text.rstrip())
        while end < length:
            token = _TOKEN.match(self._text, end)
            if token is None:
                raise self.invalid(f"syntax error at position {end}")
            yield str(token.lastgroup), token[str(token.lastgroup)]
            end = token.end()

    def invalid(self, why: str) -> ApiError:
        """Make the error that quotes the filter."""
        return bad_request(f"Invalid expression: {why} in '{self._text[:200]}'. Parameter name: $filter")

    @property
    def at_end(self) -> bool:
        return self._position >= len(self._tokens)

    def peek(self) -> Token:
        return ("end", "end of filter") if self.at_end else self._tokens[self._position]

    def next(self, kind: str | None = None, text: str | None = None) -> str:
        """Consume the next token; raises 400 when it is not of this kind and text."""
        actual_kind, actual = self.peek()
        if (kind is not None and actual_kind != kind) or (text is not None and actual != text):
            raise self.invalid(f"expected {text or kind}, found {actual!r}")
        self._position += 1
        return actual

    def take(self, kind: str, text: str) -> bool:
        """Consume the next token if it is this one."""
        if self.peek() != (kind, text):
            return False
        self._position += 1
        return True

    def at_literal(self) -> bool:
        kind, text = self.peek()
        return kind in _LITERALS or (kind == "name" and text in _CONSTANTS)

    def string(self) -> str:
        return self.next("string")[1:-1].replace("''", "'")

    def literal(self, field: Field, token: Token | None = None) -> Any:
        """Return the value of the next token (or of `token`), in the stored form of `field`."""
        kind, text = token or self.peek()
        if token is None:
            self._position += 1
        if (kind, text) == ("name", "null"):
            return None
        if kind == "string" and field.base == "Edm.String":
            return text[1:-1].replace("''", "'")
        if kind == "number" and field.base in ("Edm.Int32", "Edm.Int64", "Edm.Double"):
            return int(text) if text.lstrip("-").isdigit() and len(text) < 19 else float(text)
        if kind == "date" and field.base == "Edm.DateTimeOffset":
            try:
                return stored_timestamp(text)
            except ValueError:
                raise self.invalid(f"{text!r} is not a timestamp") from None
        if kind == "name" and text in ("true", "false") and field.base == "Edm.Boolean":
            return int(text == "true")
        raise self.invalid(f"{text!r} can't be compared with '{field.name}' of type {field.type}")
