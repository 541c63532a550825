"""Reads PDF with pypdf: text by page, under the headings of the outline if there is one."""

import io
import logging
import time
from collections.abc import Iterator
from typing import Any

import pypdf

from murmuration.documents.model import Section, UnreadableDocument
from murmuration.documents.outline import MAX_DEPTH, Outline

MAX_PAGES = 5_000
MAX_CHARACTERS = 20_000_000
MAX_PAGE_BYTES = 20_000_000
"""Limit of one page's unpacked instructions: a page of text has some 10 kB, a decompression bomb gigabytes."""
MAX_SECONDS = 90.0
"""Checked before each page and instruction; well below the 240 s that a batch of documents may take."""
MAX_OUTLINE_LEVEL = 20


def read_pdf(source: str, content: bytes, title: str) -> list[Section]:
    """Return sections headed title > outline > page; raises `UnreadableDocument` if broken, encrypted or too large."""
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # nobody can act on its repairs of a file
    try:
        reader = pypdf.PdfReader(io.BytesIO(content))
        if reader.is_encrypted and not reader.decrypt(""):
            raise UnreadableDocument(source, "the PDF is encrypted")
        if len(reader.pages) > MAX_PAGES:
            raise UnreadableDocument(source, f"the PDF has {len(reader.pages)} pages, at most {MAX_PAGES} are read")
        return _sections(source, reader, title)
    except UnreadableDocument:
        raise
    except pypdf.errors.DependencyError:
        raise UnreadableDocument(source, "the PDF is encrypted") from None
    except Exception as error:  # pypdf answers a broken file with errors of any kind
        reason = " ".join(str(error).split())[:150] or type(error).__name__
        raise UnreadableDocument(source, f"the PDF is broken ({reason})") from error


def _sections(source: str, reader: pypdf.PdfReader, title: str) -> list[Section]:
    own_title = (reader.metadata.title if reader.metadata else None) or ""
    outline = Outline()
    outline.heading(1, _clean(own_title).strip() or title)
    entries = _entries(reader)
    deadline = time.monotonic() + MAX_SECONDS
    size = 0
    for number, page in enumerate(reader.pages):
        text = _clean(_text(source, page, deadline))
        size += len(text.strip())
        if size > MAX_CHARACTERS:
            raise UnreadableDocument(source, f"the PDF holds over {MAX_CHARACTERS} characters")
        _add_page(outline, f"page {number + 1}", text, entries.get(number, []))
    return outline.sections() if size else []  # title and outline alone are no document


def _text(source: str, page: Any, deadline: float) -> str:
    def check(*_operation: object) -> None:
        if time.monotonic() > deadline:
            raise UnreadableDocument(source, f"reading the PDF takes over {MAX_SECONDS:.0f} s")

    check()
    contents = page.get_contents()
    if contents is None:
        return ""
    if len(contents.get_data()) > MAX_PAGE_BYTES:
        raise UnreadableDocument(source, f"a page of the PDF has over {MAX_PAGE_BYTES} bytes of instructions")
    return str(page.extract_text(visitor_operand_before=check))


def _add_page(outline: Outline, page: str, text: str, entries: list[tuple[int, str]]) -> None:
    """Add the page's text, divided before each line that equals an outline entry.

    An entry without such a line heads the text from where the entry before it was found.
    """
    lines = text.splitlines()
    keys = [_key(line) for line in lines]
    begin = 0
    for level, heading in entries:
        end = next((index for index in range(begin, len(keys)) if keys[index] == _key(heading)), begin)
        _block(outline, page, lines[begin:end])
        outline.heading(level, heading)
        begin = end
    _block(outline, page, lines[begin:])


def _block(outline: Outline, page: str, lines: list[str]) -> None:
    if any(line.strip() for line in lines):
        outline.heading(MAX_DEPTH, page)
        outline.block("\n".join(line.rstrip() for line in lines))


def _key(line: str) -> str:
    return "".join(line.split()).casefold()


def _entries(reader: pypdf.PdfReader) -> dict[int, list[tuple[int, str]]]:
    """Return level and title of the outline's entries by page, from 0; none when the outline is broken."""
    try:
        # pypdf's own lookup scans all pages for each entry: too slow for long outlines.
        numbers = {
            page.indirect_reference.idnum: number for number, page in enumerate(reader.pages) if page.indirect_reference
        }
        entries: dict[int, list[tuple[int, str]]] = {}
        for level, entry in _flat(reader.outline, 2):
            number = numbers.get(getattr(entry.page, "idnum", -1))
            if number is not None and entry.title:
                entries.setdefault(number, []).append((level, _clean(entry.title)))
        return entries
    except Exception:  # noqa: BLE001 - as in read_pdf
        return {}


def _flat(entries: Any, level: int) -> Iterator[tuple[int, Any]]:
    for entry in entries:
        if isinstance(entry, list):
            yield from _flat(entry, min(level + 1, MAX_OUTLINE_LEVEL))
        else:
            yield level, entry


def _clean(text: str) -> str:
    """Remove NUL and replace lone surrogates: neither can be stored as UTF-8 text."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()
