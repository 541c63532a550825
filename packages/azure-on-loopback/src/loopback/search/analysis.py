"""Analyzers: how text becomes terms.

`standard` splits at word boundaries as Lucene's standard tokenizer does (`tea.md` and `don't` are one word) and
lower-cases. `en.lucene` and `en.microsoft` also drop possessives and stop words, and stem with Porter's algorithm.
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
_NON_SPACE = re.compile(r"\S+")
_ALL_TEXT = re.compile(r".+", re.DOTALL)
STOP_WORDS = frozenset(
    re.findall(
        r"\w+",
        "a an and are as at be but by for if in into is it no not of on or such that the their then there these they"
        " this to was will with",
    )
)
"""The stop words of Lucene's English analyzer."""
MAX_TERM_CHARACTERS = 255
"""Longer words are cut, as Lucene's standard tokenizer cuts them."""

_stem = snowballstemmer.stemmer("porter").stemWord
Token = tuple[str, int, int]
"""A term and where it begins and ends in the text. A stop word is the empty term: it still takes a position."""


@dataclass(frozen=True)
class Analyzer:
    """A pattern of words, and the function from a word to its term; an empty term is left out of the index."""

    word: re.Pattern[str]
    term: Callable[[str], str]


def _lowered(word: str) -> str:
    return word.lower()[:MAX_TERM_CHARACTERS]


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
    "whitespace": Analyzer(_NON_SPACE, str),
    "keyword": Analyzer(_ALL_TEXT, str),
}


def tokens(name: str, text: str) -> Iterator[Token]:
    """Analyze a text; yields its tokens in order, empty ones included."""
    analyzer = ANALYZERS[name]
    return ((analyzer.term(word[0]), word.start(), word.end()) for word in analyzer.word.finditer(text))


def terms(name: str, text: str) -> list[str]:
    """Analyze a text into terms alone, empty ones included: for a whole document several times as fast as `tokens`."""
    analyzer = ANALYZERS[name]
    return [*map(analyzer.term, analyzer.word.findall(text))]


def normalized(name: str, text: str) -> str:
    """Lower-case a prefix, fuzzy word or pattern if the analyzer lower-cases; these are not analyzed further."""
    return text if name in ("keyword", "whitespace") else text.lower()
