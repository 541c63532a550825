"""Splits a goal into its questions, the items of its list, or the two things it compares."""

import re

from murmuration.offline.text import content_stems

_LIST_ITEM = re.compile(r"^\s*(?:[-*•]|\d+[.)])\s+(.+)$", re.MULTILINE)
_QUESTION_START = r"(?:what|which|who|whose|when|where|why|how|is|are|does|do|can|should|list|explain|describe)"
_JOINT = re.compile(rf",?\s+and\s+(?:then\s+)?(?={_QUESTION_START}\b)", re.IGNORECASE)
_THEN = re.compile(r"(?:;|,|\.)?\s+(?:and\s+)?then\s*,?\s+", re.IGNORECASE)
_COMPARISON = re.compile(
    r"^(?:compare|contrast)\s+(?P<a>.+?)\s+(?:and|with|to|versus|vs\.?)\s+(?P<b>.+?)[.?!]*$", re.IGNORECASE
)
_SENTENCE = re.compile(r"(?<=[?!.;])\s+")


def parts(goal: str) -> list[tuple[str, bool]]:
    """Return the parts of a goal, each with whether it builds on the one before."""
    comparison = _COMPARISON.match(goal)
    if comparison:
        return [(comparison["a"].strip(), False), (comparison["b"].strip(), False)]
    items = _LIST_ITEM.findall(goal)
    if len(items) > 1:
        return [(item.strip(), False) for item in items]
    questions: list[tuple[str, bool]] = []
    for sentence in _SENTENCE.split(goal):
        for number, step in enumerate(_THEN.split(sentence)):
            pieces = _JOINT.split(step) if "?" in goal or re.match(_QUESTION_START, step, re.I) else [step]
            questions += [(piece.strip(" ;,"), number > 0) for piece in pieces if content_stems(piece)]
    return questions or [(goal, False)]
