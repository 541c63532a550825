"""How text becomes terms: the built-in analyzers that are here.

`standard` splits at word boundaries as Lucene's standard tokenizer does (`tea.md` and `don't` are one word) and
lower-cases; `en.lucene` and `en.microsoft` also drop possessives and stop words and stem with Porter's algorithm.
"""

import re
from collections.abc import Callable, Iterator
from functools import lru_cache

import snowballstemmer

_IDEOGRAPHS = "\u3041-\u3096\u3400-\u4dbf\u4e00-\u9fff"
_WORD = re.compile(
    rf"[{_IDEOGRAPHS}]|[^\W{_IDEOGRAPHS}]+"
    rf"(?:(?<=[^\W\d_])['’.](?=[^\W\d_])[^\W{_IDEOGRAPHS}]+|(?<=\d)[.,](?=\d)[^\W{_IDEOGRAPHS}]+)*"
)
_LETTERS = re.compile(r"[^\W\d_]+")
_SPACED = re.compile(r"\S+")
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


def _words(text: str) -> Iterator[Token]:
    for found in _WORD.finditer(text):
        yield found[0].lower()[:MAX_TERM], found.start(), found.end()


def _english(text: str) -> Iterator[Token]:
    for found in _WORD.finditer(text):
        yield _english_term(found[0]), found.start(), found.end()


@lru_cache(maxsize=200_000)
def _english_term(word: str) -> str:
    word = word.lower()[:MAX_TERM].removesuffix("'s").removesuffix("’s")
    return "" if word in STOP_WORDS else str(_stem(word))


def _without_stop_words(text: str) -> Iterator[Token]:
    for found in _LETTERS.finditer(text):
        word = found[0].lower()
        yield "" if word in STOP_WORDS else word, found.start(), found.end()


def _simple(text: str) -> Iterator[Token]:
    for found in _LETTERS.finditer(text):
        yield found[0].lower(), found.start(), found.end()


def _whitespace(text: str) -> Iterator[Token]:
    for found in _SPACED.finditer(text):
        yield found[0], found.start(), found.end()


def _keyword(text: str) -> Iterator[Token]:
    if text:
        yield text, 0, len(text)


ANALYZERS: dict[str, Callable[[str], Iterator[Token]]] = {
    "standard.lucene": _words,
    "standard": _words,
    "en.lucene": _english,
    "en.microsoft": _english,
    "simple": _simple,
    "stop": _without_stop_words,
    "whitespace": _whitespace,
    "keyword": _keyword,
}


def tokens(analyzer: str, text: str) -> Iterator[Token]:
    return ANALYZERS[analyzer](text)


def normalized(analyzer: str, text: str) -> str:
    """A prefix, fuzzy word or pattern: it is not analyzed, only lower-cased where the analyzer does so."""
    return text if analyzer in ("keyword", "whitespace") else text.lower()
