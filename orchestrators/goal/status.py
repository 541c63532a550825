"""The custom status of a run: how far it is, small enough to be written in every episode that changes it."""

import json
from collections.abc import Collection, Iterable
from typing import Any

from murmuration.contracts.answers import Stage, TaskReport

NO_TITLES = -1
"""The length of titles when the ids and states of all tasks alone fill a status."""
STATUS_BYTES = 4_000
"""Durable allows 16 KB, but a custom status is written in every episode that changes it."""


def status(stage: Stage, rows: Iterable[dict[str, Any]], model_calls: int, tokens: int) -> dict[str, Any]:
    """Make the custom status of a run under way."""
    return {"stage": stage, "model_calls": model_calls, "tokens": tokens, "tasks": list(rows)}


def titles_that_fit(tasks: Collection[TaskReport]) -> int:
    """How long titles may be, so that a status is at most `STATUS_BYTES` as JSON, whatever becomes of the tasks."""
    widest = [task.model_copy(update={"state": "revising", "revisions": 99}) for task in tasks]
    for titles in (60, 30, 10, 0):
        rows = (task_row(task, titles) for task in widest)
        if len(json.dumps(status("remembering", rows, 10**9, 10**12)).encode()) <= STATUS_BYTES:
            return titles
    return NO_TITLES


def task_row(task: TaskReport, titles: int) -> dict[str, Any]:
    """Make a task's row of the status, with so many characters of its title."""
    if titles == NO_TITLES:
        return {"id": task.id, "state": task.state}
    title = task.instruction
    if len(title) > titles:
        title = title[:titles] + "…"
    return {
        "id": task.id,
        "type": task.type,
        "title": title,
        "state": task.state,
        "revisions": task.revisions,
    }
