"""Splits text into words, stems and sentences for the offline model."""

import re
import threading
from functools import lru_cache
from typing import Any

import snowballstemmer

_WORD = re.compile(r"[A-Za-z0-9_]+(?:[.'-][A-Za-z0-9_]+)*")
_PIECE = re.compile(r"[A-Za-z0-9]+")
_BOUNDARY = re.compile(r"(?<=[.!?])[\"')\]]*\s+(?=[\"'(\[`*]*[A-Z0-9])")
_ABBREVIATION = re.compile(
    r"(?:\b(?:e\.g|i\.e|etc|vs|cf|Mr|Mrs|Dr|St|No|Fig|Eq|approx|incl|resp|[A-Z])\.|\.\.\.)[\"')\]]*$"
)
STOP_WORDS = frozenset(
    """a about above after again all also am an and any are as at be because been before being below between both but
    by can could did do does doing down during each few for from further had has have having he her here hers him his
    how i if in into is it its itself just may me might more most must my no nor not now of off on once only or other
    our out over own same shall she should so some such than that the their them then there these they this those
    through to too under until up us use used uses using very was we were what when where which while who whom why
    will with would you your explain describe tell give list show find document documents documentation
    according""".split()  # noqa: SIM905 - a list of words is read as prose
)
_STEMMER = snowballstemmer.stemmer("english")
_STEMMING = threading.Lock()
"""The stemmer holds the word it works on: two threads at once get wrong stems, or an IndexError."""


@lru_cache(maxsize=100_000)
def stem(word: str) -> str:
    """Return the word's stem, so that "limits" matches "limited"."""
    with _STEMMING:
        return str(_STEMMER.stemWord(word.lower()))


def content_stems(text: str) -> list[str]:
    """Return the stems of words that carry meaning, in order; compound names also in their parts, "tea's" as "tea"."""
    stems: list[str] = []
    for whole in _WORD.findall(text):
        word = whole.removesuffix("'s")
        if word.lower() in STOP_WORDS:
            continue
        pieces = _PIECE.findall(word)
        if len(pieces) > 1:
            stems.append(word.lower())
        stems.extend(stem(piece) for piece in pieces if piece.lower() not in STOP_WORDS)
    return stems


def sentences(text: str) -> list[str]:
    """Return sentences as a reader would quote them: paragraphs and list items never run together."""
    texts: list[str] = []
    for block in re.split(r"\n\s*\n|\n(?=\s*(?:[-*•]|\d+[.)])\s)", text):
        if _is_code(block):
            continue
        pending = ""
        for piece in _BOUNDARY.split(" ".join(block.split())):
            pending = f"{pending} {piece}".strip()
            if not _ABBREVIATION.search(pending):
                texts.append(pending)
                pending = ""
        if pending:
            texts.append(pending)
    unmarked = (re.sub(r"^(?:[-*•]|\d+[.)])\s+", "", text) for text in texts)
    return [sentence for sentence in unmarked if _WORD.search(sentence)]


def _is_code(block: str) -> bool:
    """Tell whether a block is indented, a prompt, or mostly marks."""
    lines = [line for line in block.splitlines() if line.strip()]
    if not lines:
        return True
    indented = all(line.startswith(("    ", "\t", ">>>", "...", "$ ")) for line in lines)
    letters = sum(char.isalpha() or char.isspace() for char in block)
    return indented or letters < 0.6 * len(block)


def rows(value: Any) -> list[dict[str, Any]]:
    """Return the objects of a list; nothing for any other value."""
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []
