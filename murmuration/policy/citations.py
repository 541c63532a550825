"""Markers and citations: each [n] points at a given passage, each quote is the passage's own words."""

import re
from collections.abc import Sequence

from murmuration.contracts.answers import Citation
from murmuration.contracts.passages import Passage

MARKER = re.compile(r"\[(\d{1,4})\]")
QUOTE_CHARACTERS = 300
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z`\"'(\[])|\n{2,}")
_WORD = re.compile(r"\w+")


def cited(text: str) -> tuple[int, ...]:
    """The numbers of the markers in `text`, each once, in order of appearance."""
    return tuple(dict.fromkeys(int(number) for number in MARKER.findall(text)))


def check_markers(text: str, passages: Sequence[Passage]) -> tuple[str, tuple[str, ...]]:
    """The text without markers that point at nothing, and what was wrong with it."""
    wrong = [number for number in cited(text) if not 1 <= number <= len(passages)]
    problems = [f"cites [{number}], which is none of the passages" for number in wrong]
    if passages and len(wrong) == len(cited(text)):
        problems.append("cites no passage")
    without = MARKER.sub(lambda found: "" if int(found[1]) in wrong else found[0], text)
    return _tidied(without) if wrong else text, tuple(problems)


def renumber(text: str, numbers: dict[int, int]) -> str:
    """The text with each marker [n] as [numbers[n]]; markers that `numbers` doesn't know are left out."""

    def new(found: re.Match[str]) -> str:
        number = numbers.get(int(found[1]))
        return "" if number is None else f"[{number}]"

    return _tidied(MARKER.sub(new, text))


def citations_of(text: str, passages: Sequence[Passage]) -> tuple[Citation, ...]:
    """One citation for each marker, in order of appearance. The markers must be valid."""
    return tuple(
        Citation(
            number=number,
            source=passages[number - 1].source,
            title=passages[number - 1].heading or passages[number - 1].title,
            quote=_quote(_statement(text, number), passages[number - 1].text),
        )
        for number in cited(text)
    )


def _statement(text: str, number: int) -> str:
    """What stands before the first marker [number], back to the marker or sentence before it."""
    before = text[: text.index(f"[{number}]")]
    before = before[: len(MARKER.sub("", before).rstrip()) or None] if before.endswith("]") else before
    return _SENTENCE_END.split(MARKER.split(before)[-1] or before)[-1]


def _quote(statement: str, passage: str) -> str:
    """The sentence of the passage most like the statement by its words, cut at `QUOTE_CHARACTERS`."""
    wanted = {word.lower() for word in _WORD.findall(statement)}
    sentences = [each.strip(" \n-*") for each in _SENTENCE_END.split(passage) if each.strip(" \n-*")] or [passage]

    def likeness(sentence: str) -> float:
        words = {word.lower() for word in _WORD.findall(sentence)}
        return len(words & wanted) / (len(words | wanted) or 1)

    best = " ".join(max(sentences, key=likeness).split())
    return best if len(best) <= QUOTE_CHARACTERS else best[: QUOTE_CHARACTERS - 1].rstrip() + "…"


def _tidied(text: str) -> str:
    """Without the space that a marker left before a full stop or another space."""
    return re.sub(r"[ \t]+([.,;:!?])", r"\1", re.sub(r"[ \t]{2,}", " ", text)).strip()
