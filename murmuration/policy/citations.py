"""Citations: a marker [n] points at the n-th passage, and its quote is the passage's own words."""

import re
from collections.abc import Sequence

from murmuration.contracts.answers import Citation
from murmuration.contracts.passages import Passage

MARKER = re.compile(r"\[(\d{1,4})\]")
MAX_QUOTE_CHARACTERS = 300
_LAST_MARKERS = re.compile(r"(?:\s*\[\d{1,4}\])+\s*$")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z`\"'(\[])|\n{2,}")
_WORD = re.compile(r"\w+")


def cited_numbers(text: str) -> tuple[int, ...]:
    """The numbers of the markers in `text`, each once, in order of appearance."""
    return tuple(dict.fromkeys(int(number) for number in MARKER.findall(text)))


def check_markers(text: str, passages: Sequence[Passage]) -> tuple[str, tuple[str, ...]]:
    """Remove markers that point at no passage; returns the text and its problems."""
    numbers = cited_numbers(text)
    wrong = [number for number in numbers if not 1 <= number <= len(passages)]
    problems = [f"cites [{number}], which is none of the passages" for number in wrong]
    if passages and len(wrong) == len(numbers):
        problems.append("cites no passage")
    without = MARKER.sub(lambda marker: "" if int(marker[1]) in wrong else marker[0], text)
    return _tidied(without) if wrong else text, tuple(problems)


def renumber(text: str, numbers: dict[int, int]) -> str:
    """Replace each marker [n] by [numbers[n]], and remove the markers that `numbers` doesn't know."""

    def replacement(marker: re.Match[str]) -> str:
        number = numbers.get(int(marker[1]))
        return "" if number is None else f"[{number}]"

    return _tidied(MARKER.sub(replacement, text))


def in_order_of_appearance(text: str, passages: Sequence[Passage]) -> tuple[str, list[Passage]]:
    """Renumber the markers in order of appearance, and sort the passages accordingly; uncited ones come last."""
    order = cited_numbers(text)
    numbers = {old: new for new, old in enumerate(order, start=1)}
    uncited = [passage for number, passage in enumerate(passages, start=1) if number not in numbers]
    return renumber(text, numbers), [*(passages[old - 1] for old in order), *uncited]


def citations_of(text: str, passages: Sequence[Passage]) -> tuple[Citation, ...]:
    """One citation for each number that is cited, in order of appearance. The markers must be valid."""
    return tuple(
        Citation(
            number=number,
            source=passages[number - 1].source,
            title=passages[number - 1].heading or passages[number - 1].title,
            quote=_quote(_statement(text, number), passages[number - 1].text),
        )
        for number in cited_numbers(text)
    )


def _statement(text: str, number: int) -> str:
    """The text before the first marker [number], back to the marker or sentence before it.

    Markers in a row stand for one statement.
    """
    before = _LAST_MARKERS.sub("", text[: text.index(f"[{number}]")])
    return _SENTENCE_END.split(MARKER.split(before)[-1])[-1]


def _quote(statement: str, passage: str) -> str:
    """The passage's sentence that shares most words with the statement, cut at `MAX_QUOTE_CHARACTERS`."""
    wanted = {word.lower() for word in _WORD.findall(statement)}
    stripped = (sentence.strip(" \n-*") for sentence in _SENTENCE_END.split(passage))
    sentences = [sentence for sentence in stripped if sentence] or [passage]

    def similarity(sentence: str) -> float:
        words = {word.lower() for word in _WORD.findall(sentence)}
        return len(words & wanted) / (len(words | wanted) or 1)

    best = " ".join(max(sentences, key=similarity).split())
    return best if len(best) <= MAX_QUOTE_CHARACTERS else best[: MAX_QUOTE_CHARACTERS - 1].rstrip() + "…"


def _tidied(text: str) -> str:
    """The text without the space that a removed marker left before punctuation or another space."""
    return re.sub(r"[ \t]+([.,;:!?])", r"\1", re.sub(r"[ \t]{2,}", " ", text)).strip()
