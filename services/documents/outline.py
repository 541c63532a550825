"""Collects blocks of text under headings of levels, as every reader needs it."""

from collections.abc import Iterator
from contextlib import contextmanager

from services.documents.model import Section

DEEPEST = 99
"""The level of a heading below all others."""


class Outline:
    """Call `heading` and `block` in the order of the document; `sections` gives what they make."""

    def __init__(self) -> None:
        self._path: list[tuple[int, str]] = []
        self._blocks: list[str] = []
        self._sections: list[Section] = []

    def heading(self, level: int, text: str) -> None:
        """A heading closes every heading of its level or below."""
        self._close()
        self._path = [entry for entry in self._path if entry[0] < level]
        if text.strip():
            self._path.append((level, " ".join(text.split())))

    def block(self, text: str) -> None:
        if text.strip():
            self._blocks.append(text.strip("\n").rstrip())

    @contextmanager
    def within(self, text: str) -> Iterator[None]:
        """A part with a heading of its own, after which the text goes on under the headings of before."""
        self._close()
        before = list(self._path)
        self._path.append((DEEPEST, " ".join(text.split())))
        yield
        self._close()
        self._path = before

    def sections(self) -> list[Section]:
        self._close()
        return self._sections

    def _close(self) -> None:
        if self._blocks:
            headings = tuple(text for _, text in self._path)
            self._sections.append(Section(headings, "\n\n".join(self._blocks)))
            self._blocks = []


def code(text: str) -> str:
    """Code is indented, so that it is told apart from prose."""
    return "\n".join(f"    {line}" for line in text.splitlines())
