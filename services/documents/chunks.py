"""Splits sections into chunks of a size that a search index and a prompt can use."""

import re
from collections.abc import Iterable, Iterator

from services.documents.model import Chunk, Document, Section

TARGET_CHARACTERS = 1_200
MOST_CHARACTERS = 1_600
SMALL_CHARACTERS = 300
"""A section of less is put together with its neighbours under the same parent."""
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z(\"'])")


def chunk(document: Document) -> tuple[Chunk, ...]:
    """Chunks in the order of the text. No word of a section is lost; where a section is split, the last
    sentence before a split begins the next chunk too."""
    return tuple(
        Chunk(document.source, document.title, " > ".join(section.headings), text)
        for section in _together(document.sections)
        for text in _split(section.text)
    )


def _together(sections: Iterable[Section]) -> Iterator[Section]:
    """Small sections that follow each other under one parent as one, each with its heading in the text."""
    group: list[Section] = []
    for section in sections:
        size = sum(len(each.text) for each in group) + len(section.text)
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
    text = "\n\n".join(f"{section.headings[-1]}: {section.text}" for section in group)
    return Section(group[0].headings[:-1], text)


def _split(text: str) -> Iterator[str]:
    current = ""
    for block in _blocks(text):
        if current and len(current) + len(block) > TARGET_CHARACTERS:
            yield current
            last = _SENTENCE.split(current)[-1]
            overlap = last if len(last) < SMALL_CHARACTERS and "\n" not in last else ""
            current = f"{overlap}\n\n{block}" if overlap else block
        else:
            current = f"{current}\n\n{block}" if current else block
    if current:
        yield current


def _blocks(text: str) -> Iterator[str]:
    """Paragraphs; those that are too large, in sentences, lines, and in the end anywhere."""
    for block in re.split(r"\n\s*\n", text):
        if not block.strip():
            continue
        yield from _pieces(block.rstrip(), (_SENTENCE, re.compile(r"\n"), re.compile(r"\s+")))


def _pieces(block: str, separators: tuple[re.Pattern[str], ...]) -> Iterator[str]:
    if len(block) <= TARGET_CHARACTERS:
        yield block
        return
    if not separators:
        for start in range(0, len(block), TARGET_CHARACTERS):
            yield block[start : start + TARGET_CHARACTERS]
        return
    between = "\n" if separators[0].pattern == r"\n" else " "
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
