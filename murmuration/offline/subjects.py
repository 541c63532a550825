"""What a question is about: the words of it that name a thing. By rules of English."""

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
    """Characters of a question."""

    start: int
    end: int


def subject_of(question: str) -> Span | None:
    """What it asks about: the thing behind the last "for" or "of", else behind its first verb, else the last thing."""
    runs = _runs(question)
    of = behind(question, *_OF)
    if of or not runs:
        return of
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
    return _span(run[1:] if _SPEAKERS.intersection(each.casefold() for each in spoken) else run[:-1])


def behind(question: str, *prepositions: str) -> Span | None:
    """The thing behind the last of these words."""
    found = [match for match in _WORD.finditer(question) if match[0].casefold() in prepositions]
    return _span(_behind(_runs(question), found[-1].end())) if found else None


def word_like(question: str, name: str) -> Span | None:
    """The thing in the question that is of the kind of `name`, as its last word tells: green tea is like black tea."""
    kind = content_stems(name)[-1:]
    for run in _runs(question):
        for place, word in enumerate(run):
            if kind and content_stems(word[0])[-1:] == kind:
                return _span(run[: place + 1])
    return None


def _runs(question: str) -> list[list[re.Match[str]]]:
    """Words that carry meaning, those together that nothing stands between."""
    runs: list[list[re.Match[str]]] = []
    for word in _WORD.finditer(question):
        if word[0].casefold() in STOP_WORDS:
            continue
        if runs and question[runs[-1][-1].end() : word.start()].isspace():
            runs[-1].append(word)
        else:
            runs.append([word])
    return runs


def _behind(runs: list[list[re.Match[str]]], place: int) -> list[re.Match[str]]:
    return next((run for run in runs if run[0].start() >= place), [])


def _span(run: list[re.Match[str]]) -> Span | None:
    return Span(run[0].start(), run[-1].end()) if run else None
