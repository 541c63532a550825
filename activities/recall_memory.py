"""Recalls memories of earlier runs on a subject like the goal's."""

import contextlib
from datetime import UTC, datetime

from murmuration.contracts.memories import RecallRequest, RecallResult
from murmuration.policy.memories import expires, rank
from murmuration.services.errors import StepError
from murmuration.services.model.model import Model
from murmuration.services.search.filters import timestamp, valid_at
from murmuration.services.search.index import Index, Search
from murmuration.services.search.memory_rows import NOTE_FIELDS, newest_rows, note_from, scored_memory
from murmuration.services.settings import Settings
from murmuration.services.step_context import StepContext

MAX_NOTES = 5
MAX_CANDIDATES = 20


async def recall_memory(
    request: RecallRequest, model: Model, memory: Index, settings: Settings, step_context: StepContext
) -> RecallResult:
    """Safe to run twice: it reads, and writes the time of use."""
    try:
        vector = (await model.embed([request.goal]))[0]
    except StepError:
        vector = None
        step_context.degraded.add("keyword_search")
    now = datetime.now(UTC)
    as_of = request.as_of or now
    condition = valid_at(as_of)
    search = Search(text=request.goal, top=MAX_CANDIDATES, select=NOTE_FIELDS, vector=vector, condition=condition)
    rows = newest_rows(await memory.search(request.owner, search))
    memories = [scored_memory(position, row) for position, row in enumerate(rows)]
    best = [rows[position] for position in rank(memories, as_of, settings.memory_half_life_days)[:MAX_NOTES]]
    if request.as_of is None:
        use = {"used": timestamp(now), "expires": timestamp(expires(now))}
        with contextlib.suppress(StepError):  # a time of use that is lost changes little
            await memory.merge([{"id": row["id"], **use} for row in best])
    return RecallResult(notes=tuple(map(note_from, best)))
