"""Leaves what a run found where later runs will look.

The same answer to the same goal is one memory, used again. Another answer to it supersedes the old one, which stays,
marked, and is not recalled any more.
"""

from datetime import UTC, datetime

from activities.grounding import renumber
from contracts.answers import Remembered, Remembrance
from policy.memories import expires, memory_id, objection, subject_key
from services.artifacts import Artifacts, get_text
from services.errors import StepError
from services.ledger import Ledger
from services.model import Model
from services.search.store import Index, Row, quoted

REMEMBERED_CHARACTERS = 4_000
KIND = "outcome"
HEALED = 50
"""Memories without a vector that are embedded along with a new one."""


async def remember_result(
    remembrance: Remembrance, model: Model, memory: Index, artifacts: Artifacts, ledger: Ledger
) -> Remembered:
    """Safe to run twice: the key is made of the words, and the second write changes nothing but the time of use."""
    answer = await get_text(artifacts, remembrance.answer)
    text = renumber(answer, {})[:REMEMBERED_CHARACTERS]  # its markers point at passages of this run
    problem = objection(f"{remembrance.goal}\n{text}")
    if problem is not None:
        ledger.degraded.add("not_remembered")
        return Remembered(written=0, refused=problem)
    row = _row(remembrance, text, datetime.now(UTC))
    older = await memory.find(
        remembrance.tenant,
        f"subject eq {quoted(row['subject'])} and valid_to eq null",
        top=HEALED,
        select=["id", "created"],
    )
    same = next((each for each in older if each["id"] == row["id"]), None)
    if same is not None:
        row["created"] = same["created"]
    await _embed(remembrance.tenant, row, model, memory, ledger)
    # The new is written before the old is closed: a reader in between finds both, never neither.
    await memory.write([row])
    closed = [each["id"] for each in older if each["id"] != row["id"]]
    await memory.merge([{"id": each, "valid_to": row["used"], "superseded_by": row["id"]} for each in closed])
    return Remembered(written=0 if same else 1, superseded=len(closed))


def _row(remembrance: Remembrance, text: str, now: datetime) -> Row:
    return {
        "id": memory_id(remembrance.tenant, KIND, remembrance.goal, text),
        "tenant": remembrance.tenant,
        "kind": KIND,
        "run": remembrance.run,
        "subject": subject_key(KIND, remembrance.goal),
        "goal": remembrance.goal,
        "text": text,
        "importance": remembrance.importance,
        "created": now.isoformat(),
        "used": now.isoformat(),
        "expires": expires(now).isoformat(),
    }


async def _embed(tenant: str, row: Row, model: Model, memory: Index, ledger: Ledger) -> None:
    """Give the new memory its vector, and those that have been waiting for theirs; without embeddings it waits too."""
    waiting = await memory.find(tenant, "lacks eq 'vector'", top=HEALED, select=["id", "goal", "text"])
    try:
        vectors = await model.embed([f"{each['goal']}\n{each['text']}" for each in (row, *waiting)])
    except StepError:
        ledger.degraded.add("remembered_without_vector")
        row["lacks"] = "vector"
        return
    row["vector"] = vectors[0]
    healed = [each for each in zip(waiting, vectors[1:], strict=True) if each[0]["id"] != row["id"]]
    await memory.merge([{"id": each["id"], "vector": vector, "lacks": ""} for each, vector in healed])
