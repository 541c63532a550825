"""Finds passages for a text: by words and by meaning, by words alone when vectors fail, none when search is down."""

import asyncio
from collections.abc import Sequence

from murmuration.contracts.passages import MAX_QUERY_VARIANTS, Passage, PassageSet, Query, Retrieved, SearchMode
from murmuration.policy.passages import reciprocal_rank_fusion, select_passages
from murmuration.services.errors import GiveUp, RetryLater, StepError
from murmuration.services.model.model import Model
from murmuration.services.search.filters import within
from murmuration.services.search.store import Index, Row, Search
from murmuration.services.settings import Settings
from murmuration.services.step_context import StepContext
from murmuration.services.storage.artifacts import Artifacts, put_value
from murmuration.services.storage.prompt_inputs import resolve_references

CANDIDATES = 3
"""Times as many passages are looked at as are shown: some say the same, some belong together."""
SEARCHED_CHARACTERS = 1_000
SELECT = ("id", "source", "title", "heading", "text")

Ladder = tuple[tuple[SearchMode, bool], ...]
"""Ways to search, the best first: with which mode, and whether with the semantic ranker."""


async def retrieve_passages(
    query: Query, model: Model, knowledge: Index, artifacts: Artifacts, settings: Settings, step_context: StepContext
) -> Retrieved:
    """Safe to run twice: it reads, and keeps what it found under the name of its content."""
    text = (await resolve_references(artifacts, query.text, query.inserts))[:SEARCHED_CHARACTERS]
    texts = list(dict.fromkeys((text, *query.query_variants)))[:MAX_QUERY_VARIANTS]
    vectors = await _embedded(texts, model)
    search_modes: Ladder = (("hybrid", True), ("hybrid", False), ("keyword", False))
    if vectors is None:
        search_modes = (("keyword", True), ("keyword", False))
    if settings.search_semantic_ranker == "off":
        search_modes = tuple(mode for mode in search_modes if not mode[1])
    mode, found = await _first_available_mode(query, texts, vectors, knowledge, search_modes, step_context)
    passages = select_passages(reciprocal_rank_fusion(found), top=query.top, tokens=query.tokens)
    reference = await put_value(artifacts, PassageSet(passages=passages))
    return Retrieved(passages=reference, count=len(passages), mode=mode)


async def _embedded(texts: Sequence[str], model: Model) -> list[list[float]] | None:
    try:
        return await model.embed(texts)
    except StepError:
        return None


async def _first_available_mode(
    query: Query,
    texts: Sequence[str],
    vectors: Sequence[Sequence[float]] | None,
    knowledge: Index,
    search_modes: Ladder,
    step_context: StepContext,
) -> tuple[SearchMode, list[list[Passage]]]:
    """What the first way finds that the service does not refuse: an index may lack such vectors, or a ranker."""
    for mode, ranker in search_modes:
        searches = [
            Search(
                text=text,
                top=query.top * CANDIDATES,
                select=SELECT,
                vector=vectors[place] if vectors and mode == "hybrid" else None,
                condition=within(query.scope),
                ranker=ranker,
            )
            for place, text in enumerate(texts)
        ]
        try:
            found = await asyncio.gather(*(knowledge.search(query.owner, search) for search in searches))
        except GiveUp:
            continue
        except RetryLater:
            if not step_context.last_attempt:
                raise
            break
        if mode == "keyword":
            step_context.degraded.add("keyword_search")
        if search_modes[0][1] and not ranker:
            step_context.degraded.add("no_semantic_ranker")
        return mode, [[_passage(row) for row in rows] for rows in found]
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
