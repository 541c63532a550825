"""Splits sections into chunks of a size that suits a search index and a prompt.

A chunk depends only on its section and the small neighbours it is joined with, so its key in the index, a hash of its
content, survives changes elsewhere in the document.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator

from murmuration.documents.model import Chunk, Document, Section

TARGET_CHARACTERS = 1_200
MAX_CHARACTERS = 1_600
SMALL_CHARACTERS = 300
"""Smaller sections are joined with their neighbours under the same parent."""
MAX_HEADING_CHARACTERS = 80
MAX_PATH_CHARACTERS = 400
"""Longer headings and paths are shortened; their full words go into the text of the first chunk below."""
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z(\"'])")
_LINE = re.compile(r"\n")
_EMPTY_LINE = re.compile(r"\n\s*\n")
_SPACE = re.compile(r"\s+")
_PROSE = (_SENTENCE, _LINE, _SPACE)
_CODE = (_LINE, _SPACE)
_INDENT = "    "
_JOINER = "\u200d"


def chunk(document: Document) -> tuple[Chunk, ...]:
    """Return chunks in the order of the text, each at most `MAX_CHARACTERS` long. No word is lost.

    Where a section is split, the last sentence (in code, the last line) before the split also begins the next chunk.
    """
    title = _shorten(document.title, MAX_PATH_CHARACTERS)
    written_out: set[str] = set()
    chunks: list[Chunk] = []
    for section in _join_small(document.sections):
        path = _path(section.headings)
        text = section.text
        if path != " > ".join(section.headings):
            missing = [heading for heading in section.headings if heading not in written_out]
            written_out.update(missing)
            text = "\n\n".join([*missing, text])
        chunks.extend(Chunk(document.source, title, path, part) for part in _split(text))
    return tuple(chunks)


def _path(headings: tuple[str, ...]) -> str:
    """Join the headings; a path too long keeps its first heading and as many of its last as fit."""
    short = [_shorten(heading, MAX_HEADING_CHARACTERS) for heading in headings]
    if sum(len(heading) + 3 for heading in short) <= MAX_PATH_CHARACTERS:
        return " > ".join(short)
    last: list[str] = []
    room = MAX_PATH_CHARACTERS - len(short[0]) - len(" > … > ")
    while sum(len(heading) + 3 for heading in last) + len(short[-len(last) - 1]) <= room:
        last.insert(0, short[-len(last) - 1])
    return " > ".join([short[0], "…", *last])


def _shorten(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _join_small(sections: Iterable[Section]) -> Iterator[Section]:
    """Join consecutive small sections under one parent; each keeps its heading in the text."""
    group: list[Section] = []
    for section in sections:
        size = sum(len(member.text) for member in group) + len(section.text)
        fits = len(section.text) < SMALL_CHARACTERS and section.headings and size < TARGET_CHARACTERS
        if group and not (fits and len(group[-1].text) < SMALL_CHARACTERS and _siblings(group[0], section)):
            yield _joined(group)
            group = []
        group.append(section)
    if group:
        yield _joined(group)


def _siblings(first: Section, second: Section) -> bool:
    return bool(first.headings) and first.headings[:-1] == second.headings[:-1]


def _joined(group: list[Section]) -> Section:
    if len(group) == 1:
        return group[0]
    parts = [section.text if section.names_itself else f"{section.headings[-1]}: {section.text}" for section in group]
    return Section(group[0].headings[:-1], "\n\n".join(parts))


def _split(text: str) -> Iterator[str]:
    current = ""
    for block in _blocks(text):
        if current and len(current) + len(block) > TARGET_CHARACTERS:
            yield current
            last = _last_sentence(current)
            current = f"{last}\n\n{block}" if last else block
        else:
            current = f"{current}\n\n{block}" if current else block
    if current:
        yield current


def _last_sentence(text: str) -> str:
    """Return the last sentence or line of code, or "" when it is long."""
    line = text.rpartition("\n")[2]
    last = line if line.startswith(_INDENT) else _SENTENCE.split(text)[-1]
    return last if len(last) < SMALL_CHARACTERS and "\n" not in last else ""


def _blocks(text: str) -> Iterator[str]:
    """Yield paragraphs; too large ones are split at sentences, then lines, then anywhere. Code is split at lines."""
    for block in _EMPTY_LINE.split(text):
        if block.strip():
            yield from _pieces(block.rstrip(), _CODE if block.startswith(_INDENT) else _PROSE)


def _pieces(block: str, separators: tuple[re.Pattern[str], ...]) -> Iterator[str]:
    if len(block) <= TARGET_CHARACTERS:
        yield block
        return
    if not separators:
        yield from _cut(block)
        return
    between = "\n" if separators[0] is _LINE else " "
    current = ""
    for piece in separators[0].split(block):
        for part in _pieces(piece, separators[1:]) if len(piece) > TARGET_CHARACTERS else [piece]:
            if current and len(current) + len(part) > TARGET_CHARACTERS:
                yield current
                current = part
            else:
                current = f"{current}{between}{part}" if current else part
    if current:
        yield current


def _cut(text: str) -> Iterator[str]:
    """Cut anywhere but between a letter and its accents or within a joined emoji, unless these are very long."""
    start = 0
    while start < len(text):
        end = start + TARGET_CHARACTERS
        while end < len(text) and end > start + TARGET_CHARACTERS - 32 and _belongs(text[end - 1], text[end]):
            end -= 1
        yield text[start:end]
        start = end


def _belongs(before: str, after: str) -> bool:
    return _JOINER in (before, after) or bool(unicodedata.category(after).startswith("M"))
