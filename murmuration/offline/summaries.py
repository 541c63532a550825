"""Shortens a conversation to its questions and the first sentence of each answer."""

import re
from typing import Any

from murmuration.offline.text import rows, sentences

MAX_WORDS = 200
MAX_SENTENCE_WORDS = 40
"""Words kept of a question, and of the sentence that answers it."""
_MARKER = re.compile(r"\s*\[\d+\]")


def shorten(question: dict[str, Any]) -> dict[str, Any]:
    """Reply as a `summarizer`; when the summary grows too long, its oldest sentences are dropped."""
    lines = sentences(str(question.get("summary") or ""))
    for turn in rows(question.get("turns")):
        answer = sentences(_MARKER.sub("", str(turn.get("answer") or "")))
        lines.append(" ".join((_first_words(str(turn.get("goal") or "")), *map(_first_words, answer[:1]))))
    summary: list[str] = []
    for line in reversed(lines):
        if sum(len(text.split()) for text in (line, *summary)) > MAX_WORDS:
            break
        summary.insert(0, line)
    return {"summary": " ".join(line for line in summary if line)}


def _first_words(text: str) -> str:
    words = text.split()
    return " ".join(words if len(words) <= MAX_SENTENCE_WORDS else [*words[:MAX_SENTENCE_WORDS], "…"])
