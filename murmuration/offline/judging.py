"""Judges by coverage and by citations: no opinion, only what can be counted."""

import re
from typing import Any

from murmuration.offline.extraction import known_stems
from murmuration.offline.text import content_stems

PASSES = 0.6
SUPPORTED = 0.5
"""Share of a statement's words that its passage must hold."""
_MARKER = re.compile(r"\[(\d+)\]")
_STATEMENT = re.compile(r"([^\[\]]+)((?:\s*\[\d+\])+)")
_NOTHING = ("The passages do not answer:", "There is no result")


def judge(question: dict[str, Any]) -> dict[str, Any]:
    """An `evaluator`'s reply."""
    answer = str(question.get("answer") or "")
    passages = [each for each in question.get("passages") or [] if isinstance(each, dict)]
    problems = [str(each) for each in question.get("problems") or []]
    if passages and answer.strip() and not _MARKER.search(answer) and not answer.startswith(_NOTHING):
        problems.append("cites no passage")
    if answer.startswith(_NOTHING) or not answer.strip():
        reason = "the passages hold no answer" if answer.strip() else "the answer is empty"
        return {"passed": False, "score": 0.1, "reasons": [*problems, reason], "changes": ""}
    missing, coverage = _coverage(str(question.get("instruction") or ""), answer, passages)
    unsupported = _unsupported(answer, passages)
    statements = max(1, len(_STATEMENT.findall(answer)))
    support = 1 - len(unsupported) / statements
    score = round(0.6 * coverage + 0.4 * support, 2)
    reasons = [*problems, f"covers {coverage:.0%} of what was asked", *unsupported]
    changes = [*problems, *unsupported]
    if missing:
        changes.append("cover: " + ", ".join(missing[:8]))
    passed = score >= PASSES and not problems
    return {"passed": passed, "score": score, "reasons": reasons, "changes": "" if passed else "; ".join(changes)}


def _coverage(instruction: str, answer: str, passages: list[dict[str, Any]]) -> tuple[list[str], float]:
    """What was asked, is in the passages and not in the answer; and the share that is in the answer.

    What the cited passages' headings say counts as said: a sentence under "Queues" speaks of queues.
    """
    cited = {int(number) for number in _MARKER.findall(answer)}
    headings = " ".join(
        f"{passage.get('heading', '')} {passage.get('source', '')}"
        for passage in passages
        if passage.get("number") in cited
    )
    said = set(content_stems(f"{_MARKER.sub(' ', answer)} {headings}"))
    known = known_stems(passages)
    asked = [fromkey for fromkey in dict.fromkeys(content_stems(instruction)) if fromkey in known]
    missing = [each for each in asked if each not in said]
    return missing, 1 - len(missing) / len(asked) if asked else 1.0


def _unsupported(answer: str, passages: list[dict[str, Any]]) -> list[str]:
    """Statements whose passage does not hold their words."""
    texts = {
        int(passage.get("number") or 0): set(content_stems(f"{passage.get('heading', '')} {passage.get('text', '')}"))
        for passage in passages
    }
    wrong = []
    for statement, markers in _STATEMENT.findall(answer):
        stems = set(content_stems(statement))
        held: set[str] = set().union(*(texts.get(int(number), set()) for number in _MARKER.findall(markers)))
        if stems and len(stems & held) < SUPPORTED * len(stems):
            wrong.append(f"{markers.strip()} does not support {statement.strip()[:80]!r}")
    return wrong
