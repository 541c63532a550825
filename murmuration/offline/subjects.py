"""Finds the thing that a question is about, by rules of English."""

import re
from typing import NamedTuple

from murmuration.offline.text import STOP_WORDS, content_stems

_WORD = re.compile(r"\w+(?:['.-]\w+)*")
_OF = ("for", "of")
_TO_BE = frozenset(("is", "are", "was", "were"))
_OTHERS = frozenset(
    ("do", "does", "did", "has", "have", "had", "can", "could", "should", "would", "will", "must", "may", "might")
)
_SPEAKERS = frozenset(("i", "we", "you", "one"))
_PARTICIPLE = re.compile(
    r"\w+ed|kept|made|done|sent|written|built|held|paid|bought|sold|known|found|lost|given|taken|shown|set|cut",
    re.IGNORECASE,
)


class Span(NamedTuple):
    """A range of characters in a question."""

    start: int
    end: int


def subject_of(question: str) -> Span | None:
    """Return the thing after the last "for" or "of", else the one after the first verb, else the last thing."""
    runs = _runs(question)
    after_of = behind(question, *_OF)
    if after_of or not runs:
        return after_of
    verbs = (match for match in _WORD.finditer(question) if match[0].casefold() in _TO_BE | _OTHERS)
    verb = next(verbs, None)
    if verb is None:
        return _span(runs[-1])
    run = _behind(runs, verb.end())
    if len(run) < 2:
        return _span(run)
    if verb[0].casefold() in _TO_BE:
        return _span(run[:-1] if _PARTICIPLE.fullmatch(run[-1][0]) else run)
    spoken = question[verb.end() : run[0].start()].split()
    return _span(run[1:] if _SPEAKERS.intersection(word.casefold() for word in spoken) else run[:-1])


def behind(question: str, *prepositions: str) -> Span | None:
    """Return the thing after the last of these words."""
    matches = [match for match in _WORD.finditer(question) if match[0].casefold() in prepositions]
    return _span(_behind(_runs(question), matches[-1].end())) if matches else None


def word_like(question: str, name: str) -> Span | None:
    """Return the thing in the question whose last word is that of `name`: green tea is like black tea."""
    kind = content_stems(name)[-1:]
    for run in _runs(question):
        for position, word in enumerate(run):
            if kind and content_stems(word[0])[-1:] == kind:
                return _span(run[: position + 1])
    return None


def _runs(question: str) -> list[list[re.Match[str]]]:
    """Return groups of adjacent words that carry meaning."""
    runs: list[list[re.Match[str]]] = []
    for word in _WORD.finditer(question):
        if word[0].casefold() in STOP_WORDS:
            continue
        if runs and question[runs[-1][-1].end() : word.start()].isspace():
            runs[-1].append(word)
        else:
            runs.append([word])
    return runs


def _behind(runs: list[list[re.Match[str]]], offset: int) -> list[re.Match[str]]:
    return next((run for run in runs if run[0].start() >= offset), [])


def _span(run: list[re.Match[str]]) -> Span | None:
    return Span(run[0].start(), run[-1].end()) if run else None
