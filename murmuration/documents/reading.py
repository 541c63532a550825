"""Reads a document by what its name says it is."""

from collections.abc import Callable, Iterable
from pathlib import PurePosixPath

from murmuration.contracts.passages import DocumentKind
from murmuration.documents.model import Document, Section, UnreadableDocument
from murmuration.documents.source import SOURCE_SUFFIXES, read_source

TEXT_SUFFIXES = (".md", ".markdown", ".rst", ".rst.txt", ".txt", ".text", ".html", ".htm")
SUFFIXES = (*TEXT_SUFFIXES, ".pdf", *SOURCE_SUFFIXES)
HTML = (".html", ".htm")
"""May be one long line, as pages often are: its parser does not mind."""
_KINDS: dict[DocumentKind, tuple[str, ...]] = {
    "markdown": (".md", ".markdown"),
    "restructuredtext": (".rst", ".rst.txt"),
    "html": HTML,
    "pdf": (".pdf",),
    "text": (".txt", ".text"),
}
MAX_CONTROL_CHARACTERS = 0.05
"""More of them than this share, and the content is no text."""
MAX_OPEN_TAGS = 50_000
"""That HTML never closes: each may be within all before it, which takes time in their square."""
MAX_MARKED_CHARACTERS = 2_000_000
MAX_MARKED_LINE = 20_000
MAX_MARKS = 5_000
"""Backticks and asterisks in one paragraph. Larger texts, and Markdown and reStructuredText of more, are read
as they stand, markup and all: their parsers take time in the square of these."""


def kind_of(source: str) -> DocumentKind:
    """By its name."""
    name = source.lower()
    for kind, suffixes in _KINDS.items():
        if name.endswith(suffixes):
            return kind
    return "code"


def is_readable(source: str) -> bool:
    """Whether a document of this name can be read."""
    return source.lower().endswith(SUFFIXES)


def read_document(source: str, content: str | bytes) -> Document:
    """The document's sections; bytes of any kind but PDF are UTF-8.

    Raises `UnreadableDocument` when it is empty, binary, broken, encrypted or of an unknown kind.
    """
    if not is_readable(source):
        raise UnreadableDocument(source, f"its name ends with none of {', '.join(SUFFIXES)}")
    sections = tuple(section for section in _sections(source, content) if section.text.strip())
    if not sections:
        raise UnreadableDocument(source, "it holds no text")
    title = next((section.headings[0] for section in sections if section.headings), "")
    return Document(source, title or _stem(source), sections)


def _stem(source: str) -> str:
    return PurePosixPath(source).name.split(".")[0]


def _sections(source: str, content: str | bytes) -> Iterable[Section]:
    if source.lower().endswith(".pdf"):
        if isinstance(content, str):
            raise UnreadableDocument(source, "a PDF is no text: send its bytes as base64")
        from murmuration.documents.pdf import read_pdf

        return read_pdf(source, content, _stem(source))
    text = _text(source, content)
    if source.lower().endswith(SOURCE_SUFFIXES):
        return read_source(source, text)
    if not _is_bounded(text, lines=not source.lower().endswith(HTML)):
        return _plain(text)
    try:
        return _reader(source.lower())(text)
    except RecursionError:  # nested so deeply that the parser can't follow
        return _plain(text)


def _text(source: str, content: str | bytes) -> str:
    if isinstance(content, bytes):
        try:
            content = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise UnreadableDocument(source, "it is not UTF-8 text") from None
    strange = sum(char < " " and char not in "\n\r\t\f" for char in content) + content.count("\ufffd")
    if "\0" in content or strange > MAX_CONTROL_CHARACTERS * len(content):
        raise UnreadableDocument(source, "it is not text")
    return content


def _is_bounded(text: str, *, lines: bool) -> bool:
    if len(text) > MAX_MARKED_CHARACTERS:
        return False
    if not lines:
        return text.count("<") - 2 * text.count("</") <= MAX_OPEN_TAGS
    if max(map(len, text.split("\n"))) > MAX_MARKED_LINE:
        return False
    return all(block.count("`") + block.count("*") <= MAX_MARKS for block in text.split("\n\n"))


def _plain(content: str) -> list[Section]:
    return [Section((), "\n".join(content.splitlines()))]


def _reader(name: str) -> Callable[[str], Iterable[Section]]:
    """Parsers are loaded by the first document that needs them."""
    if name.endswith((".md", ".markdown")):
        from murmuration.documents.markdown import read_markdown

        return read_markdown
    if name.endswith((".rst", ".rst.txt")):
        from murmuration.documents.restructured import read_restructured

        return read_restructured
    if name.endswith(HTML):
        from murmuration.documents.html import read_html

        return read_html
    return _plain
