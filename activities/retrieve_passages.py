"""Retrieves passages by words and by meaning; by words alone without vectors, none when search is down."""

from murmuration.contracts.passages import MAX_QUERY_VARIANTS, PassageSet, Query, Retrieved
from murmuration.policy.passages import reciprocal_rank_fusion, select_passages
from murmuration.services.errors import StepError
from murmuration.services.model.model import Model
from murmuration.services.search.index import Index
from murmuration.services.search.retrieval import first_available_mode, search_modes
from murmuration.services.settings import Settings
from murmuration.services.step_context import StepContext
from murmuration.services.storage.artifacts import Artifacts, put_value
from murmuration.services.storage.prompt_inputs import resolve_references

MAX_QUERY_CHARACTERS = 1_000


async def retrieve_passages(
    query: Query, model: Model, knowledge: Index, artifacts: Artifacts, settings: Settings, step_context: StepContext
) -> Retrieved:
    """Safe to run twice: it reads, and stores the passages under the hash of their content."""
    text = (await resolve_references(artifacts, query.text, query.inserts))[:MAX_QUERY_CHARACTERS]
    texts = list(dict.fromkeys((text, *query.query_variants)))[:MAX_QUERY_VARIANTS]
    try:
        vectors = await model.embed(texts)
    except StepError:
        vectors = None
    modes = search_modes(vectors=vectors is not None, ranker=settings.search_semantic_ranker == "on")
    mode, rankings = await first_available_mode(query, texts, vectors, knowledge, modes, step_context)
    passages = select_passages(reciprocal_rank_fusion(rankings), top=query.top, tokens=query.tokens)
    reference = await put_value(artifacts, PassageSet(passages=passages))
    return Retrieved(passages=reference, count=len(passages), mode=mode)
