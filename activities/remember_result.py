"""Leaves what a run found where later runs will look."""

from datetime import UTC, datetime

from contracts.answers import Remembered, Remembrance
from policy.tenancy import tenant_key
from services.artifacts import Artifacts, get_text
from services.errors import StepError
from services.ledger import Ledger
from services.model import Model
from services.search.store import Index, Row

REMEMBERED_CHARACTERS = 4_000


async def remember_result(
    remembrance: Remembrance, model: Model, memory: Index, artifacts: Artifacts, ledger: Ledger
) -> Remembered:
    """Safe to run twice: the run's id is the key, and the second write overwrites the first."""
    text = (await get_text(artifacts, remembrance.answer))[:REMEMBERED_CHARACTERS]
    row: Row = {
        "id": f"{tenant_key(remembrance.tenant)}-outcome-{remembrance.run}",
        "tenant": remembrance.tenant,
        "kind": "outcome",
        "run": remembrance.run,
        "goal": remembrance.goal,
        "text": text,
        "created": datetime.now(UTC).isoformat(),
    }
    try:
        row["vector"] = (await model.embed([f"{remembrance.goal}\n{text}"]))[0]
    except StepError:
        ledger.degraded.add("remembered_without_vector")
    await memory.write([row])
    return Remembered(written=1)
