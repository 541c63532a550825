"""Vectors for what could not be embedded when it was written."""

from murmuration.contracts.owner import Owner
from murmuration.services.errors import StepError
from murmuration.services.model.model import Model
from murmuration.services.search.rows import EMBEDDED, embedded_text
from murmuration.services.search.store import Index, Row

MAX_BACKFILLED_ROWS = 200
"""Rows that one step embeds beside its own."""


async def backfill_embeddings(kind: str, owner: Owner, rows: list[Row], model: Model, index: Index) -> bool:
    """Give each row its vector, and those of the tenant that have been waiting for theirs.

    Returns False when there are no embeddings now: the rows are marked, found by their words, and healed later.
    Raises nothing of the model's; what the index raises passes.
    """
    if not rows:
        return True
    waiting = await index.page(owner.tenant, "lacks eq 'vector'", after="", select=EMBEDDED[kind])
    own = {row["id"] for row in rows}
    waiting = [row for row in waiting if row["id"] not in own][:MAX_BACKFILLED_ROWS]
    try:
        vectors = await model.embed([embedded_text(kind, row) for row in (*rows, *waiting)])
    except StepError:
        for row in rows:
            row["lacks"] = "vector"
        return False
    for row, vector in zip(rows, vectors, strict=False):
        row["vector"] = vector
    healed = zip(waiting, vectors[len(rows) :], strict=True)
    await index.merge([{"id": row["id"], "vector": vector, "lacks": ""} for row, vector in healed])
    return True
