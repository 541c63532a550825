"""Collects blocks of text under headings of levels, as every reader needs it."""

from collections.abc import Iterator
from contextlib import contextmanager

from murmuration.documents.model import Section

MAX_DEPTH = 99
"""The level of a heading below all others."""


class Outline:
    """Call `heading` and `block` in the order of the document; `sections` gives what they make.

    A heading under which nothing stands becomes text of the section above it: it was written to be read, too.
    """

    def __init__(self) -> None:
        self._path: list[tuple[int, str]] = []
        self._used = 0
        """So many headings of the path have text under them."""
        self._blocks: list[str] = []
        self._sections: list[tuple[tuple[str, ...], list[str]]] = []
        self._bare = False
        """Whether the last section is made of such headings."""

    def heading(self, level: int, text: str) -> None:
        """A heading closes every heading of its level or below."""
        self._close()
        self._leave([entry for entry in self._path if entry[0] < level])
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
        self._path.append((MAX_DEPTH, " ".join(text.split())))
        yield
        self._close()
        self._leave(before)

    def sections(self) -> list[Section]:
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
    """Code is indented, so that it is told apart from prose."""
    return "\n".join(f"    {line}" for line in text.splitlines())
