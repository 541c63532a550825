"""Plans by rule: the parts of a goal, each with a retriever and an executor."""

import re
from typing import Any

from local.model_service.text import content_stems

_LIST_ITEM = re.compile(r"^\s*(?:[-*•]|\d+[.)])\s+(.+)$", re.MULTILINE)
_QUESTION_START = r"(?:what|which|who|whose|when|where|why|how|is|are|does|do|can|should|list|explain|describe)"
_JOINT = re.compile(rf",?\s+and\s+(?:then\s+)?(?={_QUESTION_START}\b)", re.IGNORECASE)
_THEN = re.compile(r"(?:;|,|\.)?\s+(?:and\s+)?then\s*,?\s+", re.IGNORECASE)
_COMPARISON = re.compile(
    r"^(?:compare|contrast)\s+(?P<a>.+?)\s+(?:and|with|to|versus|vs\.?)\s+(?P<b>.+?)[.?!]*$", re.IGNORECASE
)
_PRONOUN = re.compile(r"\b(?:it|its|they|them|their|this|that|these|those)\b", re.IGNORECASE)
_SENTENCE = re.compile(r"(?<=[?!.;])\s+")


def plan(question: dict[str, Any]) -> dict[str, Any]:
    """A `planner`'s reply: for each part of the goal a retriever, and an executor that depends on it."""
    goal = str(question.get("goal") or "").strip() or "the goal"
    most = max(2, int(question.get("max_tasks") or 12))
    tasks: list[dict[str, Any]] = []
    last_executor: str | None = None
    for part, follows in parts(goal)[: most // 2]:
        search, answer = f"t{len(tasks) + 1}", f"t{len(tasks) + 2}"
        needs = [search, last_executor] if follows and last_executor else [search]
        tasks.append(
            {"id": search, "type": "retriever", "instruction": _complete(part, goal), "queries": [], "depends_on": []}
        )
        tasks.append(
            {"id": answer, "type": "executor", "instruction": part[:1_000], "queries": [], "depends_on": needs}
        )
        last_executor = answer
    return {"tasks": tasks}


def parts(goal: str) -> list[tuple[str, bool]]:
    """The parts of a goal, each with whether it follows upon the one before."""
    comparison = _COMPARISON.match(goal)
    if comparison:
        return [(comparison["a"].strip(), False), (comparison["b"].strip(), False)]
    items = _LIST_ITEM.findall(goal)
    if len(items) > 1:
        return [(item.strip(), False) for item in items]
    found: list[tuple[str, bool]] = []
    for sentence in _SENTENCE.split(goal):
        for number, step in enumerate(_THEN.split(sentence)):
            pieces = _JOINT.split(step) if "?" in goal or re.match(_QUESTION_START, step, re.I) else [step]
            found += [(piece.strip(" ;,"), number > 0) for piece in pieces if content_stems(piece)]
    return found or [(goal, False)]


def _complete(part: str, goal: str) -> str:
    """The part as a search text that stands alone: with the goal behind it when it only points there."""
    if len(content_stems(part)) < 2 or _PRONOUN.search(part):
        return f"{part} {goal}"[:1_000]
    return part[:1_000]
