"""Searches for passages in the best mode that the index allows."""

import asyncio
from collections.abc import Sequence

from murmuration.contracts.passages import Passage, Query, SearchMode
from murmuration.services.errors import GiveUp, RetryLater
from murmuration.services.search.filters import in_scope
from murmuration.services.search.index import Index, Row, Search
from murmuration.services.step_context import StepContext

CANDIDATES_PER_PASSAGE = 3
"""Rows read for each passage that is wanted: some repeat others, some are neighbours."""
PASSAGE_FIELDS = ("id", "source", "title", "heading", "text")

SearchModes = tuple[tuple[SearchMode, bool], ...]
"""Search modes, the best first, each with and without the semantic ranker."""


def search_modes(*, vectors: bool, ranker: bool) -> SearchModes:
    """Return the modes to try: hybrid ones with vectors, those with the semantic ranker if it is on."""
    modes: SearchModes = (("keyword", True), ("keyword", False))
    if vectors:
        modes = (("hybrid", True), ("hybrid", False), ("keyword", False))
    return modes if ranker else tuple(mode for mode in modes if not mode[1])


async def first_available_mode(
    query: Query,
    texts: Sequence[str],
    vectors: Sequence[Sequence[float]] | None,
    knowledge: Index,
    modes: SearchModes,
    step_context: StepContext,
) -> tuple[SearchMode, list[list[Passage]]]:
    """Search by each text in the first mode that the service accepts; returns the mode and a ranking for each text.

    An index may refuse a mode, because it has no such vectors or no ranker. While search is down the step is tried
    again; its last attempt goes on without passages.
    """
    for mode, ranker in modes:
        searches = [
            Search(
                text=text,
                top=query.top * CANDIDATES_PER_PASSAGE,
                select=PASSAGE_FIELDS,
                vector=vectors[number] if vectors and mode == "hybrid" else None,
                condition=in_scope(query.scope),
                ranker=ranker,
            )
            for number, text in enumerate(texts)
        ]
        try:
            results = await asyncio.gather(*(knowledge.search(query.owner, search) for search in searches))
        except GiveUp:
            continue
        except RetryLater:
            if not step_context.last_attempt:
                raise
            break
        if mode == "keyword":
            step_context.degraded.add("keyword_search")
        if modes[0][1] and not ranker:
            step_context.degraded.add("no_semantic_ranker")
        return mode, [[_passage(row) for row in rows] for rows in results]
    step_context.degraded.add("no_context")
    return "none", []


def _passage(row: Row) -> Passage:
    return Passage(
        id=row["id"],
        text=row["text"],
        source=row["source"],
        title=row["title"] or "",
        heading=row["heading"] or "",
        score=row.get("@search.reranker_score") or row["@search.score"],
    )
