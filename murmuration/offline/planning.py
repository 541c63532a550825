"""Plans by rule: a retriever and an executor for each part of the goal.

Query variants are left out: the offline model knows no synonyms, and the same words in another order find the same.
"""

import re
from typing import Any

from murmuration.offline.followups import standing
from murmuration.offline.parts import parts
from murmuration.offline.text import content_stems, rows

_PRONOUN = re.compile(r"\b(?:it|its|they|them|their|this|that|these|those)\b", re.IGNORECASE)


def plan(question: dict[str, Any]) -> dict[str, Any]:
    """Reply as a `planner`: for each part of the goal a retriever, and an executor that depends on it."""
    goal = standing(str(question.get("goal") or "").strip(), _goals_before(question)) or "the goal"
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


def _goals_before(question: dict[str, Any]) -> list[str]:
    """Return the earlier goals of the conversation, in order."""
    conversation = question.get("conversation")
    turns = conversation.get("turns") if isinstance(conversation, dict) else None
    return [str(turn.get("goal") or "") for turn in rows(turns)]


def _complete(part: str, goal: str) -> str:
    """Return the part as a query that stands alone: with the goal appended when it only points there."""
    if len(content_stems(part)) < 2 or _PRONOUN.search(part):
        return f"{part} {goal}"[:1_000]
    return part[:1_000]
