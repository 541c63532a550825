"""Finds passages for a text: by words and by meaning, by words alone when vectors fail, none when search is down."""

import contextlib

from contracts.passages import Passage, PassageSet, Query, Retrieved, SearchMode
from policy.passages import chosen
from policy.tenancy import tenant_key
from services.artifacts import Artifacts, put_value
from services.errors import GiveUp, RetryLater, StepError
from services.ledger import Ledger
from services.model import Model
from services.search.store import Index, Row

CANDIDATES = 3
"""Times as many passages are looked at as are shown: some say the same, some belong together."""
SELECT = ("id", "source", "title", "heading", "text")


async def retrieve_passages(
    query: Query, model: Model, knowledge: Index, artifacts: Artifacts, ledger: Ledger
) -> Retrieved:
    """Safe to run twice: it reads, and keeps what it found under the name of its content."""
    mode, rows = await _search(query, model, knowledge, ledger)
    if mode != "hybrid":
        ledger.degraded.add("keyword_search" if mode == "keyword" else "no_context")
    passages = chosen([_passage(row) for row in rows], top=query.top, tokens=query.tokens)
    reference = await put_value(artifacts, tenant_key(query.tenant), PassageSet(passages=passages))
    return Retrieved(passages=reference, count=len(passages), mode=mode)


async def _search(query: Query, model: Model, knowledge: Index, ledger: Ledger) -> tuple[SearchMode, list[Row]]:
    most = query.top * CANDIDATES
    try:
        try:
            vector = (await model.embed([query.text]))[0]
        except StepError:
            vector = None
        if vector is not None:
            # The index may not take such vectors; words alone may do.
            with contextlib.suppress(GiveUp):
                rows = await knowledge.search(query.tenant, query.text, top=most, select=SELECT, vector=vector)
                return "hybrid", rows
        return "keyword", await knowledge.search(query.tenant, query.text, top=most, select=SELECT, vector=None)
    except RetryLater:
        if not ledger.last_attempt:
            raise
        return "none", []


def _passage(row: Row) -> Passage:
    return Passage(
        id=row["id"],
        text=row["text"],
        source=row["source"],
        title=row["title"] or "",
        heading=row["heading"] or "",
        score=row["@search.score"],
    )
