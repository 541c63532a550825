"""What do we know already? Looks for what earlier runs have left on a subject like this."""

import contextlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from murmuration.contracts.memories import Note, RecallRequest, RecallResult
from murmuration.policy.memories import ScoredMemory, expires, rank
from murmuration.services.errors import StepError
from murmuration.services.model.model import Model
from murmuration.services.search.filters import held_at, instant
from murmuration.services.search.store import Index, Row, Search
from murmuration.services.settings import Settings
from murmuration.services.step_context import StepContext

NOTES = 5
CANDIDATES = 20
NOTE_CHARACTERS = 600
SELECT = ("id", "kind", "run", "about", "text", "subject", "importance", "created", "valid_from", "used", "user")


async def recall_memory(
    recall: RecallRequest, model: Model, memory: Index, settings: Settings, step_context: StepContext
) -> RecallResult:
    """Safe to run twice: it reads, and notes the time of use."""
    try:
        vector = (await model.embed([recall.goal]))[0]
    except StepError:
        vector = None
        step_context.degraded.add("keyword_search")
    now = datetime.now(UTC)
    asked = Search(
        text=recall.goal,
        top=CANDIDATES,
        select=SELECT,
        vector=vector,
        condition=held_at(recall.as_of or now),
    )
    rows = _newest(await memory.search(recall.owner, asked))
    found = [_recollection(place, row) for place, row in enumerate(rows)]
    best = [rows[place] for place in rank(found, recall.as_of or now, settings.memory_half_life_days)[:NOTES]]
    if recall.as_of is None:
        use = {"used": instant(now), "expires": instant(expires(now))}
        with contextlib.suppress(StepError):  # a note of use that is lost changes little
            await memory.merge([{"id": row["id"], **use} for row in best])
    return RecallResult(notes=tuple(_note(row) for row in best))


def _note(row: Row) -> Note:
    text = row["text"][:NOTE_CHARACTERS]
    return Note(source=row["run"], text=text, kind=row["kind"], about=row["about"][:NOTE_CHARACTERS])


def _newest(rows: Sequence[Row]) -> list[Row]:
    """Of two that hold on one subject, the newer: whoever wrote it may not have seen the older yet."""
    last: dict[tuple[Any, Any], str] = {}
    for row in rows:
        last[_subject(row)] = max(last.get(_subject(row), ""), row["valid_from"])
    return [row for row in rows if row["valid_from"] == last[_subject(row)]]


def _subject(row: Row) -> tuple[Any, Any]:
    return row["user"], row["subject"]


def _recollection(place: int, row: Row) -> ScoredMemory:
    return ScoredMemory(place, datetime.fromisoformat(row["used"]), row["importance"])
