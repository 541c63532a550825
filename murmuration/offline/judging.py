"""Judges by coverage and citations: no opinion, only counts."""

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
    """Reply as an `evaluator`."""
    answer = str(question.get("answer") or "")
    passages = [passage for passage in question.get("passages") or [] if isinstance(passage, dict)]
    problems = [str(problem) for problem in question.get("problems") or []]
    if passages and answer.strip() and not _MARKER.search(answer) and not answer.startswith(_NOTHING):
        problems.append("cites no passage")
    if answer.startswith(_NOTHING) or not answer.strip():
        reason = "the passages hold no answer" if answer.strip() else "the answer is empty"
        return {"passed": False, "score": 0.1, "reasons": [*problems, reason], "changes": ""}
    wanted, missing = _wanted_and_missing(str(question.get("instruction") or ""), answer, passages)
    coverage = 1 - len(missing) / len(wanted) if wanted else 1.0
    unsupported = _unsupported(answer, passages)
    statements = max(1, len(_STATEMENT.findall(answer)))
    support = 1 - len(unsupported) / statements
    score = round(0.6 * coverage + 0.4 * support, 2)
    held = f"{len(wanted) - len(missing)} of the {len(wanted)} words that question and passages share are in the answer"
    reasons = [*problems, held, *unsupported]
    changes = [*problems, *unsupported]
    if missing:
        changes.append("cover: " + ", ".join(missing[:8]))
    passed = score >= PASSES and not problems
    return {"passed": passed, "score": score, "reasons": reasons, "changes": "" if passed else "; ".join(changes)}


def _wanted_and_missing(instruction: str, answer: str, passages: list[dict[str, Any]]) -> tuple[list[str], list[str]]:
    """Return the asked-for stems that the passages have, and those of them that the answer lacks.

    Headings of cited passages count as part of the answer: a sentence under "Queues" is about queues.
    """
    cited = {int(number) for number in _MARKER.findall(answer)}
    headings = " ".join(
        f"{passage.get('heading', '')} {passage.get('source', '')}"
        for passage in passages
        if passage.get("number") in cited
    )
    covered = set(content_stems(f"{_MARKER.sub(' ', answer)} {headings}"))
    known = known_stems(passages)
    wanted = [stem for stem in dict.fromkeys(content_stems(instruction)) if stem in known]
    return wanted, [stem for stem in wanted if stem not in covered]


def _unsupported(answer: str, passages: list[dict[str, Any]]) -> list[str]:
    """Return the statements whose passage lacks their words."""
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
