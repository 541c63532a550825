"""Collects blocks of text under nested headings, for every reader."""

from collections.abc import Iterator
from contextlib import contextmanager

from murmuration.documents.model import Section

MAX_DEPTH = 99
"""The level of a heading below all others."""


class Outline:
    """Builder of sections: call `heading` and `block` in document order, then `sections`.

    A heading without text below it becomes text of the section above, so that it can still be found.
    """

    def __init__(self) -> None:
        self._path: list[tuple[int, str]] = []
        self._used = 0
        """Number of headings of the path that have text under them."""
        self._blocks: list[str] = []
        self._sections: list[tuple[tuple[str, ...], list[str]]] = []
        self._bare = False
        """Whether the last section holds only headings without text."""

    def heading(self, level: int, text: str) -> None:
        """Open a heading; it closes every heading of its level or below."""
        self._close()
        self._leave([entry for entry in self._path if entry[0] < level])
        if text.strip():
            self._path.append((level, " ".join(text.split())))

    def block(self, text: str) -> None:
        """Add a block of text under the current headings."""
        if text.strip():
            self._blocks.append(text.strip("\n").rstrip())

    @contextmanager
    def within(self, text: str) -> Iterator[None]:
        """Put a part under a heading of its own; afterwards the headings are those of before."""
        self._close()
        before = list(self._path)
        self._path.append((MAX_DEPTH, " ".join(text.split())))
        yield
        self._close()
        self._leave(before)

    def sections(self) -> list[Section]:
        """Close the last section and return them all."""
        self._close()
        self._leave([])
        return [Section(headings, "\n\n".join(blocks)) for headings, blocks in self._sections]

    def _close(self) -> None:
        if self._blocks:
            self._sections.append((self._headings(len(self._path)), self._blocks))
            self._blocks = []
            self._used = len(self._path)
            self._bare = False

    def _leave(self, path: list[tuple[int, str]]) -> None:
        start = max(self._used, len(path))
        bare = [text for _, text in self._path[start:]]
        if bare and self._bare and self._sections[-1][0] == self._headings(start):
            self._sections[-1][1].extend(bare)
        elif bare:
            self._sections.append((self._headings(start), bare))
            self._bare = True
        self._used = min(start if bare else self._used, len(path))
        self._path = path

    def _headings(self, count: int) -> tuple[str, ...]:
        return tuple(text for _, text in self._path[:count])


def code(text: str) -> str:
    """Indent code, so that `chunk` can tell it from prose."""
    return "\n".join(f"    {line}" for line in text.splitlines())
