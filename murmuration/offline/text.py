"""Words, stems and sentences: what the offline model knows of language."""

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
"""The stemmer keeps the word that it works on: two threads at once get wrong stems, or an IndexError."""


@lru_cache(maxsize=100_000)
def stem(word: str) -> str:
    """The word's stem, so that "limits" meets "limited"."""
    with _STEMMING:
        return str(_STEMMER.stemWord(word.lower()))


def content_stems(text: str) -> list[str]:
    """Stems of the words that carry meaning, in order; compound names count whole and in their parts.

    A possessive is its word: the "s" of "tea's" says nothing.
    """
    stems: list[str] = []
    for whole in _WORD.findall(text):
        found = whole.removesuffix("'s")
        if found.lower() in STOP_WORDS:
            continue
        pieces = _PIECE.findall(found)
        if len(pieces) > 1:
            stems.append(found.lower())
        stems.extend(stem(piece) for piece in pieces if piece.lower() not in STOP_WORDS)
    return stems


def sentences(text: str) -> list[str]:
    """Sentences as a reader would quote them: paragraphs and list items never run together."""
    found: list[str] = []
    for block in re.split(r"\n\s*\n|\n(?=\s*(?:[-*•]|\d+[.)])\s)", text):
        if _is_code(block):
            continue
        pending = ""
        for piece in _BOUNDARY.split(" ".join(block.split())):
            pending = f"{pending} {piece}".strip()
            if not _ABBREVIATION.search(pending):
                found.append(pending)
                pending = ""
        if pending:
            found.append(pending)
    return [each for each in (re.sub(r"^(?:[-*•]|\d+[.)])\s+", "", one) for one in found) if _WORD.search(each)]


def _is_code(block: str) -> bool:
    """Indented, or a prompt, or mostly marks."""
    lines = [line for line in block.splitlines() if line.strip()]
    if not lines:
        return True
    indented = all(line.startswith(("    ", "\t", ">>>", "...", "$ ")) for line in lines)
    letters = sum(char.isalpha() or char.isspace() for char in block)
    return indented or letters < 0.6 * len(block)


def rows(value: Any) -> list[dict[str, Any]]:
    """The objects of a list; of anything else, none."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
