"""What a document is once it is read."""

from dataclasses import dataclass


class UnreadableDocument(Exception):
    """Nothing of the document can be read."""

    def __init__(self, source: str, reason: str) -> None:
        super().__init__(f"{source!r}: {reason}")
        self.source = source
        self.reason = reason


@dataclass(frozen=True)
class Section:
    headings: tuple[str, ...]
    """From the document's title down to the section's own heading."""
    text: str
    """Plain text; blocks are separated by an empty line, code is indented by four spaces."""
    names_itself: bool = False
    """The text says what the last heading says, as source code does."""


@dataclass(frozen=True)
class Document:
    source: str
    title: str
    sections: tuple[Section, ...]


@dataclass(frozen=True)
class Chunk:
    source: str
    title: str
    heading: str
    """The path of headings, joined with " > "."""
    text: str
