"""Reads a document by what its name says it is."""

from collections.abc import Callable, Iterable
from pathlib import PurePosixPath

from services.documents.model import Document, Section, UnreadableDocument

SUFFIXES = (".md", ".markdown", ".rst", ".rst.txt", ".txt", ".text", ".html", ".htm")
MOST_CONTROL_CHARACTERS = 0.05
"""More of them than this share, and the content is no text."""


def is_readable(source: str) -> bool:
    """Whether a document of this name can be read."""
    return source.lower().endswith(SUFFIXES)


def read_document(source: str, content: str) -> Document:
    """The document's sections; raises `UnreadableDocument` when it is empty, binary or of an unknown kind."""
    if not is_readable(source):
        raise UnreadableDocument(source, f"its name ends with none of {', '.join(SUFFIXES)}")
    strange = sum(char < " " and char not in "\n\r\t\f" for char in content) + content.count("\ufffd")
    if "\0" in content or strange > MOST_CONTROL_CHARACTERS * len(content):
        raise UnreadableDocument(source, "it is not text")
    found = _reader(source.lower())(content)
    sections = tuple(section for section in found if section.text.strip())
    if not sections:
        raise UnreadableDocument(source, "it holds no text")
    title = next((section.headings[0] for section in sections if section.headings), "")
    return Document(source, title or PurePosixPath(source).name.split(".")[0], sections)


def _reader(name: str) -> Callable[[str], Iterable[Section]]:
    """Parsers are loaded by the first document that needs them."""
    if name.endswith((".md", ".markdown")):
        from services.documents.markdown import read_markdown

        return read_markdown
    if name.endswith((".rst", ".rst.txt")):
        from services.documents.restructured import read_restructured

        return read_restructured
    if name.endswith((".html", ".htm")):
        from services.documents.html import read_html

        return read_html
    return lambda content: [Section((), "\n".join(content.splitlines()))]
