"""A document after parsing: sections, then chunks."""

from dataclasses import dataclass


class UnreadableDocument(Exception):
    """The document can't be read at all; `reason` is for its author."""

    def __init__(self, source: str, reason: str) -> None:
        super().__init__(f"{source!r}: {reason}")
        self.source = source
        self.reason = reason


@dataclass(frozen=True)
class Section:
    """Text under one path of headings."""

    headings: tuple[str, ...]
    """Path from the document's title down to the section's own heading."""
    text: str
    """Plain text; blocks are separated by an empty line, code is indented by four spaces."""
    names_itself: bool = False
    """The text repeats its last heading, as source code does."""


@dataclass(frozen=True)
class Document:
    """A parsed document."""

    source: str
    title: str
    sections: tuple[Section, ...]


@dataclass(frozen=True)
class Chunk:
    """A piece of a document: the unit of search and citation."""

    source: str
    title: str
    heading: str
    """The path of headings, joined with " > "."""
    text: str
