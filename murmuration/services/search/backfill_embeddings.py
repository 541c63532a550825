"""Embeds rows: those that are about to be written, and those that could not be embedded earlier."""

from murmuration.contracts.owner import Owner
from murmuration.services.errors import StepError
from murmuration.services.model.model import Model
from murmuration.services.search.index import Index, Row
from murmuration.services.search.rows import EMBEDDED_FIELDS, embedded_text

MAX_BACKFILLED_ROWS = 200
"""Rows that one step embeds beside its own."""


async def backfill_embeddings(kind: str, owner: Owner, rows: list[Row], model: Model, index: Index) -> bool:
    """Give each row its vector, and write those that earlier rows of the tenant still need.

    Returns False when the model can't embed now: the rows are marked `needs_embedding`, searches find them by words,
    and a later call embeds them. Raises nothing of the model's; errors of the index pass.
    """
    if not rows:
        return True
    waiting = await index.page(owner.tenant, "needs_embedding eq true", after="", select=EMBEDDED_FIELDS[kind])
    own = {row["id"] for row in rows}
    waiting = [row for row in waiting if row["id"] not in own][:MAX_BACKFILLED_ROWS]
    try:
        vectors = await model.embed([embedded_text(kind, row) for row in (*rows, *waiting)])
    except StepError:
        for row in rows:
            row["needs_embedding"] = True
        return False
    for row, vector in zip(rows, vectors, strict=False):
        row["vector"] = vector
    backfilled = zip(waiting, vectors[len(rows) :], strict=True)
    await index.merge([{"id": row["id"], "vector": vector, "needs_embedding": False} for row, vector in backfilled])
    return True
