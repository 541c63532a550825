"""How text becomes terms: the built-in analyzers that are here.

`standard` splits at word boundaries as Lucene's standard tokenizer does (`tea.md` and `don't` are one word) and
lower-cases; `en.lucene` and `en.microsoft` also drop possessives and stop words and stem with Porter's algorithm.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import snowballstemmer

_IDEOGRAPHS = "\u3041-\u3096\u3400-\u4dbf\u4e00-\u9fff"
_WORD = re.compile(
    rf"[{_IDEOGRAPHS}]|[^\W{_IDEOGRAPHS}]+"
    rf"(?:(?<=[^\W\d_])['’.](?=[^\W\d_])[^\W{_IDEOGRAPHS}]+|(?<=\d)[.,](?=\d)[^\W{_IDEOGRAPHS}]+)*"
)
_LETTERS = re.compile(r"[^\W\d_]+")
_SPACED = re.compile(r"\S+")
_ALL = re.compile(r".+", re.DOTALL)
STOP_WORDS = frozenset(
    re.findall(
        r"\w+",
        "a an and are as at be but by for if in into is it no not of on or such that the their then there these they"
        " this to was will with",
    )
)
"""What Lucene's English analyzer leaves out."""
MAX_TERM = 255
"""Longer words are cut, as Lucene's standard tokenizer cuts them."""

_stem = snowballstemmer.stemmer("porter").stemWord
Token = tuple[str, int, int]
"""A term (empty: left out, but its place counts) and where it begins and ends in the text."""


@dataclass(frozen=True)
class Analyzer:
    """What a word looks like, and the term that becomes of it: empty where it is left out."""

    word: re.Pattern[str]
    term: Callable[[str], str]


def _lowered(word: str) -> str:
    return word.lower()[:MAX_TERM]


@lru_cache(maxsize=200_000)
def _english(word: str) -> str:
    word = _lowered(word).removesuffix("'s").removesuffix("’s")
    return "" if word in STOP_WORDS else str(_stem(word))


def _without_stop_words(word: str) -> str:
    return "" if (lowered := word.lower()) in STOP_WORDS else lowered


ANALYZERS = {
    "standard.lucene": Analyzer(_WORD, _lowered),
    "standard": Analyzer(_WORD, _lowered),
    "en.lucene": Analyzer(_WORD, _english),
    "en.microsoft": Analyzer(_WORD, _english),
    "simple": Analyzer(_LETTERS, str.lower),
    "stop": Analyzer(_LETTERS, _without_stop_words),
    "whitespace": Analyzer(_SPACED, str),
    "keyword": Analyzer(_ALL, str),
}


def tokens(analyzer: str, text: str) -> Iterator[Token]:
    used = ANALYZERS[analyzer]
    return ((used.term(found[0]), found.start(), found.end()) for found in used.word.finditer(text))


def terms(analyzer: str, text: str) -> list[str]:
    """The terms alone, in order, the empty ones included: for all of a document several times as fast as `tokens`."""
    used = ANALYZERS[analyzer]
    return [*map(used.term, used.word.findall(text))]


def normalized(analyzer: str, text: str) -> str:
    """A prefix, fuzzy word or pattern: it is not analyzed, only lower-cased where the analyzer does so."""
    return text if analyzer in ("keyword", "whitespace") else text.lower()
