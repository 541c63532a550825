"""Highlights: passages of a text with tags around the words of a query."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from loopback.search.analysis import tokens
from loopback.search.definitions import Field, Index
from loopback.search.errors import bad_request

DEFAULT_FRAGMENTS = 5
"""Passages of a field whose entry has no `-N`."""
MAX_FRAGMENTS = 1_000
_SENTENCE = re.compile(r"\S.*?(?:[.!?](?=\s)|\n|$)", re.DOTALL)


def sentences(text: str) -> list[str]:
    return [sentence[0].strip() for sentence in _SENTENCE.finditer(text)]


def tagged(analyzer: str, text: str, terms: Iterable[str], before: str, after: str) -> str | None:
    """Put tags around the terms in a text; returns None when it has none of them."""
    wanted, parts, end = set(terms), [], 0
    for term, start, stop in tokens(analyzer, text):
        if term in wanted:
            parts += [text[end:start], before, text[start:stop], after]
            end = stop
    return "".join([*parts, text[end:]]) if parts else None


class Highlighter:
    """Highlights the terms of one query; `entries` are fields, each perhaps with `-N`, the number of its passages."""

    def __init__(
        self, index: Index, terms: Iterable[tuple[str, str]], entries: Sequence[str], tags: tuple[str, str]
    ) -> None:
        self._tags = tags
        self._limits = [_parse(index, entry) for entry in entries]
        self._terms: dict[str, set[str]] = {}
        for name, term in terms:
            self._terms.setdefault(name, set()).add(term)

    def highlights(self, body: dict[str, Any]) -> dict[str, list[str]]:
        """Return the passages of a document by field; fields without a match are left out."""
        highlights = {}
        for field, limit in self._limits:
            value = body.get(field.name)
            texts = value if isinstance(value, list) else sentences(value or "")
            terms = self._terms.get(field.name, set())
            passages = [passage for text in texts if (passage := tagged(field.analyzer, text, terms, *self._tags))]
            if passages:
                highlights[field.name] = passages[:limit]
        return highlights


def _parse(index: Index, entry: str) -> tuple[Field, int]:
    name, _, number = entry.partition("-")
    field = index.searchable(name, "highlight")
    if number and not (number.isdigit() and 1 <= int(number) <= MAX_FRAGMENTS):
        message = f"Invalid highlight {entry!r}: it must be FIELD or FIELD-N, with N from 1 to {MAX_FRAGMENTS}."
        raise bad_request(message)
    return field, int(number or DEFAULT_FRAGMENTS)
