"""Shortens a conversation to what was asked and the first sentence of each answer."""

import re
from typing import Any

from murmuration.offline.text import rows, sentences

MAX_WORDS = 200
MAX_PER_DOCUMENT = 40
"""Words of a question, and of the sentence that answers it."""
_MARKER = re.compile(r"\s*\[\d+\]")


def shorten(question: dict[str, Any]) -> dict[str, Any]:
    """A `summarizer`'s reply: when it grows too long, what was said first is left out."""
    told = sentences(str(question.get("summary") or ""))
    for turn in rows(question.get("turns")):
        answer = sentences(_MARKER.sub("", str(turn.get("answer") or "")))
        told.append(" ".join((_first_words(str(turn.get("goal") or "")), *map(_first_words, answer[:1]))))
    kept: list[str] = []
    for each in reversed(told):
        if sum(len(one.split()) for one in (each, *kept)) > MAX_WORDS:
            break
        kept.insert(0, each)
    return {"summary": " ".join(each for each in kept if each)}


def _first_words(text: str) -> str:
    words = text.split()
    return " ".join(words if len(words) <= MAX_PER_DOCUMENT else [*words[:MAX_PER_DOCUMENT], "…"])
