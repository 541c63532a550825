"""What do we know already? Looks for what earlier runs have left on a subject like this."""

import contextlib
from collections.abc import Sequence
from datetime import UTC, datetime

from contracts.plans import Note, Recall, Recalled
from policy.memories import Recollection, by_worth, expires
from services.errors import StepError
from services.ledger import Ledger
from services.model import Model
from services.search.store import Index, Row
from services.settings import Settings

NOTES = 3
CANDIDATES = 12
NOTE_CHARACTERS = 600
SELECT = ("id", "run", "goal", "text", "subject", "importance", "created", "used")


async def recall_memory(recall: Recall, model: Model, memory: Index, settings: Settings, ledger: Ledger) -> Recalled:
    """Safe to run twice: it reads, and notes the time of use."""
    try:
        vector = (await model.embed([recall.goal]))[0]
    except StepError:
        vector = None
        ledger.degraded.add("keyword_search")
    now = datetime.now(UTC)
    current = f"valid_to eq null and (expires eq null or expires gt {now:%Y-%m-%dT%H:%M:%SZ})"
    rows = await memory.search(
        recall.tenant, recall.goal, top=CANDIDATES, select=SELECT, vector=vector, condition=current
    )
    rows = _newest(rows)
    found = [_recollection(place, row) for place, row in enumerate(rows)]
    best = [rows[place] for place in by_worth(found, now, settings.memory_half_life_days)[:NOTES]]
    use = {"used": now.isoformat(), "expires": expires(now).isoformat()}
    with contextlib.suppress(StepError):  # a note of use that is lost changes little
        await memory.merge([{"id": row["id"], **use} for row in best])
    return Recalled(
        notes=tuple(Note(source=row["run"], text=f"{row['goal']}\n{row['text']}"[:NOTE_CHARACTERS]) for row in best)
    )


def _newest(rows: Sequence[Row]) -> list[Row]:
    """Of two that are current on one subject, the newer: whoever wrote it may not have seen the older yet."""
    last: dict[str, str] = {}
    for row in rows:
        subject = row["subject"] or row["id"]
        last[subject] = max(last.get(subject, ""), row["used"] or row["created"])
    return [row for row in rows if (row["used"] or row["created"]) == last[row["subject"] or row["id"]]]


def _recollection(place: int, row: Row) -> Recollection:
    used = datetime.fromisoformat(row["used"] or row["created"])
    return Recollection(place, used, 0.5 if row["importance"] is None else row["importance"])
