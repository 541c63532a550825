"""Reads a document as the kind that its name says.

Parsers are slow to import, so the first document of a kind loads its reader.
"""

from collections.abc import Callable, Iterable
from pathlib import PurePosixPath

from murmuration.contracts.passages import DocumentKind
from murmuration.documents.model import Document, Section, UnreadableDocument
from murmuration.documents.source import SOURCE_SUFFIXES, read_source

_KINDS: dict[DocumentKind, tuple[str, ...]] = {
    "markdown": (".md", ".markdown"),
    "restructuredtext": (".rst", ".rst.txt"),
    "html": (".html", ".htm"),
    "pdf": (".pdf",),
    "text": (".txt", ".text"),
    "code": SOURCE_SUFFIXES,
}
SUFFIXES = tuple(suffix for suffixes in _KINDS.values() for suffix in suffixes)
MAX_CONTROL_SHARE = 0.05
"""Content with a larger share of control characters is not text."""
MAX_OPEN_TAGS = 50_000
"""HTML with more unclosed tags is read as plain text: nested tags take the parser quadratic time."""
MAX_MARKUP_CHARACTERS = 2_000_000
MAX_MARKUP_LINE_CHARACTERS = 20_000
MAX_PARAGRAPH_MARKS = 5_000
"""Backticks and asterisks. Text beyond these limits is read as it stands, markup included: the parsers of Markdown and
reStructuredText take quadratic time. An HTML page may be one long line, and only its size is limited."""


def kind_of(source: str) -> DocumentKind:
    """Return the kind that the name says; "text" for a name that can't be read."""
    name = source.lower()
    return next((kind for kind, suffixes in _KINDS.items() if name.endswith(suffixes)), "text")


def is_readable(source: str) -> bool:
    """Tell whether a document of this name can be read."""
    return source.lower().endswith(SUFFIXES)


def read_document(source: str, content: str | bytes) -> Document:
    """Return the document's sections; bytes of any kind but PDF are UTF-8.

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
    kind = kind_of(source)
    if kind == "pdf":
        if isinstance(content, str):
            raise UnreadableDocument(source, "a PDF is no text: send its bytes as base64")
        from murmuration.documents.pdf import read_pdf

        return read_pdf(source, content, _stem(source))
    text = _text(source, content)
    if kind == "code":
        return read_source(source, text)
    if not _is_bounded(text, kind):
        return _plain(text)
    try:
        return _reader(kind)(text)
    except RecursionError:  # nested too deeply for the parser
        return _plain(text)


def _text(source: str, content: str | bytes) -> str:
    if isinstance(content, bytes):
        try:
            content = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise UnreadableDocument(source, "it is not UTF-8 text") from None
    control_characters = sum(char < " " and char not in "\n\r\t\f" for char in content) + content.count("\ufffd")
    if "\0" in content or control_characters > MAX_CONTROL_SHARE * len(content):
        raise UnreadableDocument(source, "it is not text")
    return content


def _is_bounded(text: str, kind: DocumentKind) -> bool:
    if len(text) > MAX_MARKUP_CHARACTERS:
        return False
    if kind == "html":
        return text.count("<") - 2 * text.count("</") <= MAX_OPEN_TAGS
    if max(map(len, text.split("\n"))) > MAX_MARKUP_LINE_CHARACTERS:
        return False
    return all(block.count("`") + block.count("*") <= MAX_PARAGRAPH_MARKS for block in text.split("\n\n"))


def _plain(content: str) -> list[Section]:
    return [Section((), "\n".join(content.splitlines()))]


def _reader(kind: DocumentKind) -> Callable[[str], Iterable[Section]]:
    """Import the reader of a kind of markup."""
    if kind == "markdown":
        from murmuration.documents.markdown import read_markdown

        return read_markdown
    if kind == "restructuredtext":
        from murmuration.documents.restructured import read_restructured

        return read_restructured
    if kind == "html":
        from murmuration.documents.html import read_html

        return read_html
    return _plain
