"""Highlights: the passages of a text in which the words of a query stand between tags."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from loopback.search.analysis import tokens
from loopback.search.definitions import Field, Index
from loopback.search.problems import bad

FRAGMENTS = 5
"""Of a field whose entry does not say `-N`."""
MAX_FRAGMENTS = 1_000
_SENTENCE = re.compile(r"\S.*?(?:[.!?](?=\s)|\n|$)", re.DOTALL)


def sentences(text: str) -> list[str]:
    return [found[0].strip() for found in _SENTENCE.finditer(text)]


def tagged(analyzer: str, text: str, terms: Iterable[str], before: str, after: str) -> str | None:
    """The text with tags around the terms; None where there are none of them."""
    wanted, parts, end = set(terms), [], 0
    for term, start, stop in tokens(analyzer, text):
        if term in wanted:
            parts += [text[end:start], before, text[start:stop], after]
            end = stop
    return "".join([*parts, text[end:]]) if parts else None


class Highlighter:
    """For one query: `names` are fields, each perhaps with `-N`, the number of its passages."""

    def __init__(
        self, index: Index, terms: Iterable[tuple[str, str]], names: Sequence[str], tags: tuple[str, str]
    ) -> None:
        self._tags = tags
        self._asked = [_asked(index, name) for name in names]
        self._terms: dict[str, set[str]] = {}
        for name, term in terms:
            self._terms.setdefault(name, set()).add(term)

    def highlights(self, body: dict[str, Any]) -> dict[str, list[str]]:
        """By field; fields in which nothing was found are left out."""
        found = {}
        for field, most in self._asked:
            value = body.get(field.name)
            texts = value if isinstance(value, list) else sentences(value or "")
            wanted = self._terms.get(field.name, set())
            marked = [each for text in texts if (each := tagged(field.analyzer, text, wanted, *self._tags))]
            if marked:
                found[field.name] = marked[:most]
        return found


def _asked(index: Index, text: str) -> tuple[Field, int]:
    name, _, number = text.partition("-")
    field = index.searchable(name, "highlight")
    if number and not (number.isdigit() and 1 <= int(number) <= MAX_FRAGMENTS):
        raise bad(f"Invalid highlight {text!r}: FIELD or FIELD-N, N from 1 to {MAX_FRAGMENTS}.")
    return field, int(number or FRAGMENTS)
