"""Finds passages for a text: by words and by meaning together, by words alone when vectors fail."""

from contracts.passages import Passage, PassageSet, Query, Retrieved, SearchMode
from policy.tenancy import tenant_key
from services.artifacts import Artifacts, put_value
from services.errors import StepError
from services.ledger import Ledger
from services.model import Model
from services.search.store import Index, Row

SELECT = ("id", "source", "title", "heading", "text")


async def retrieve_passages(
    query: Query, model: Model, knowledge: Index, artifacts: Artifacts, ledger: Ledger
) -> Retrieved:
    """Safe to run twice: it reads, and keeps what it found under the name of its content."""
    mode, rows = await _search(query, model, knowledge)
    if mode == "keyword":
        ledger.degraded.add("keyword_search")
    passages = tuple(_passage(row) for row in rows)
    reference = await put_value(artifacts, tenant_key(query.tenant), PassageSet(passages=passages))
    return Retrieved(passages=reference, count=len(passages), mode=mode)


async def _search(query: Query, model: Model, knowledge: Index) -> tuple[SearchMode, list[Row]]:
    try:
        vector = (await model.embed([query.text]))[0]
        return "hybrid", await knowledge.search(query.tenant, query.text, top=query.top, select=SELECT, vector=vector)
    except StepError as problem:
        if problem.code == "search_unavailable":
            raise  # words alone would meet the same
    rows = await knowledge.search(query.tenant, query.text, top=query.top, select=SELECT, vector=None)
    return "keyword", rows


def _passage(row: Row) -> Passage:
    return Passage(
        id=row["id"],
        text=row["text"],
        source=row["source"],
        title=row["title"] or "",
        heading=row["heading"] or "",
        score=row["@search.score"],
    )
