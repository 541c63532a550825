"""Extracts lessons by rules of English: a person's decisions, preferences and facts, and an answer's statements.

Few and good: a sentence that does not stand alone, asks, holds code or says too much at once is skipped.
"""

import re
from collections.abc import Iterator
from typing import Any

from murmuration.offline.statements import about_activity, about_statement, about_thing, is_plain
from murmuration.offline.text import content_stems, rows, sentences

MAX_ANSWER_SHARE = 3
Lesson = dict[str, Any]
"""The fields of a lesson in `LessonReply`."""
_MARKER = re.compile(r"\s*\[\d+\]")
_WE = (
    r"^(?:(?:yesterday|today|last \w+|on \w+|so|finally|as you know),? )?"
    r"(?:we|i)(?:'ve| have| had)?(?: now| also| just| all| both)?"
)
_DECIDED_TO = re.compile(rf"{_WE} (?:decided|agreed|chose|settled) to (?P<what>.+)", re.IGNORECASE)
_DECIDED_THAT = re.compile(rf"{_WE} (?:decided|agreed|settled) that (?P<what>.+)", re.IGNORECASE)
_DECIDED_ON = re.compile(rf"{_WE} (?:decided|agreed|settled) on (?P<what>.+)", re.IGNORECASE)
_PREFERRED = re.compile(r"^(?:we|i)(?: would| really| usually| always)* prefer (?:to )?(?P<what>.+)", re.IGNORECASE)
_ALWAYS = re.compile(r"^please,? (?:always|never) (?P<what>.+)", re.IGNORECASE)
_FROM_NOW = re.compile(r"^from now on,? (?:please )?(?:always |never )?(?P<what>.+)", re.IGNORECASE)
_REMEMBER = re.compile(r"^(?:please )?(?:remember|note|keep in mind) that (?P<what>.+)", re.IGNORECASE)
_OURS = re.compile(r"^(?P<what>(?:our|my) .+)", re.IGNORECASE)
_PATTERNS = (
    ("decision", _DECIDED_TO, about_activity),
    ("decision", _DECIDED_THAT, about_statement),
    ("decision", _DECIDED_ON, about_thing),
    ("preference", _PREFERRED, about_thing),
    ("preference", _ALWAYS, about_activity),
    ("preference", _FROM_NOW, about_activity),
    ("fact", _REMEMBER, about_statement),
    ("fact", _OURS, about_statement),
)
"""Kind of lesson, pattern, and how to find the subject; the first match counts."""
_CONFIDENCE = {"decision": 0.9, "preference": 0.9, "fact": 0.8}
_IMPORTANCE = {"decision": 0.8, "preference": 0.7, "fact": 0.7}


def learn(question: dict[str, Any]) -> dict[str, Any]:
    """Reply as an `archivist`."""
    known = [str(note.get("about") or "") for note in rows(question.get("known"))]
    candidates = [*_of_goal(str(question.get("goal") or "")), *_of_answer(str(question.get("answer") or ""))]
    lessons: dict[tuple[str, frozenset[str]], Lesson] = {}
    for lesson in candidates:
        lessons.setdefault((lesson["kind"], frozenset(content_stems(lesson["about"]))), lesson)
    first = list(lessons.values())[: most if isinstance(most := question.get("most"), int) else None]
    return {"lessons": [{**lesson, "about": _as_known(lesson["about"], known)} for lesson in first]}


def _of_goal(goal: str) -> Iterator[Lesson]:
    """Yield what the person states beside the question."""
    for sentence in sentences(goal):
        matches = ((kind, about, pattern.search(sentence)) for kind, pattern, about in _PATTERNS)
        kind, about, match = next((entry for entry in matches if entry[2]), ("", about_statement, None))
        if match is None or not is_plain(sentence):
            continue
        # A fact to remember is a sentence of its own; a decision or a wish needs the words that make it one.
        text = match["what"] if kind == "fact" else sentence
        subject = about(match["what"])
        if subject:
            yield _lesson(kind, subject, text, _CONFIDENCE[kind], _IMPORTANCE[kind])


def _of_answer(answer: str) -> Iterator[Lesson]:
    """Yield the first sentences that state something about a thing that they name."""
    left = MAX_ANSWER_SHARE
    for sentence in sentences(_MARKER.sub("", answer)):
        subject = about_statement(sentence) if is_plain(sentence) else ""
        if subject and left:
            left -= 1
            yield _lesson("fact", subject, sentence, 0.6, 0.4)


def _lesson(kind: str, about: str, text: str, confidence: float, importance: float) -> Lesson:
    sentence = f"{text[0].upper()}{text[1:].rstrip(' .!')}."
    return {"kind": kind, "about": about, "text": sentence, "confidence": confidence, "importance": importance}


def _as_known(about: str, known: list[str]) -> str:
    """Return the subject in its known wording, so that the new memory supersedes the old."""
    stems = set(content_stems(about))
    return next((subject for subject in known if set(content_stems(subject)) == stems), about)
