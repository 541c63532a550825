"""Shortens conversations and messages to the sentences that matter most."""

import json
import re
from typing import Any

from murmuration.offline.text import rows, sentences

MAX_WORDS = 200
MAX_SENTENCE_WORDS = 40
"""Words kept of a question, and of the sentence that answers it."""
MAX_SUMMARY_CHARACTERS = 300
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


def summary(message: str) -> str:
    """Sum up a message to an agent for which there is no skill: the material in it, else its instruction.

    The material is the input, the earlier answers or the passages, whichever comes first.
    """
    try:
        question = json.loads(message)
    except ValueError:
        question = None
    if not isinstance(question, dict):
        return _first_sentences(message)
    answers = [str(row.get("answer") or "") for row in rows(question.get("earlier"))]
    passages = [str(row.get("text") or "") for row in rows(question.get("passages"))]
    texts = [_text(question.get("input")), *answers, *passages, str(question.get("instruction") or ""), message]
    return _first_sentences(next((text for text in texts if text.strip()), ""))


def _text(value: Any) -> str:
    """The text that an agent's input is, or the texts that it holds."""
    values = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    values = list(value.values()) if isinstance(value, dict) else values
    return " ".join(text for text in values if isinstance(text, str))


def _first_sentences(text: str) -> str:
    picked = ""
    for sentence in sentences(text):
        if picked and len(picked) + len(sentence) > MAX_SUMMARY_CHARACTERS:
            break
        picked = f"{picked} {sentence}".strip()
    return (picked or text.strip())[:MAX_SUMMARY_CHARACTERS]
