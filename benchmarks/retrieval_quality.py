"""`python -m benchmarks.retrieval_quality --docs DIR [--embedder minilm] [--cache DIR] [--json]`: how often each way
of searching finds the right file.

The documents are those of `python_docs.QUESTIONS` (Debian package python3.11-doc, folder
usr/share/doc/python3.11/html/_sources), read by the product's own activity into the local search service. A question is
a hit when a right file is among the first five different files; the reciprocal rank counts the first right one of ten.
`semantic` is the hybrid ranking of the local default with its best 50 reranked by the search service; `shown` is what
an agent gets of it: the passages after joining, without repeats, within the prompt's share.
"""

import asyncio
import os
import re
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from aiohttp import web

from activities.ingest_documents import ingest_documents
from activities.retrieve_passages import retrieve_passages
from benchmarks.python_docs import QUESTIONS
from benchmarks.report import make_parser, show
from benchmarks.vector_cache import Cached
from loopback.model.embedders import HASH, all_embedders
from loopback.model.minilm import NAME as MINILM
from loopback.model.routes import make_app as make_model
from loopback.search.routes import make_app as make_search
from loopback.serving import in_thread
from murmuration.cli.local_settings import SEARCH_KEY, local_settings
from murmuration.contracts.documents import DocumentBatch, Ingestion, StoredDocument
from murmuration.contracts.owner import Owner
from murmuration.contracts.passages import PassageSet, Query
from murmuration.policy.tenancy import run_id
from murmuration.services.clients import Clients
from murmuration.services.current import current_clients, current_settings
from murmuration.services.search.azure_search import AzureSearchIndex
from murmuration.services.search.index import Search
from murmuration.services.search.migration import migrate
from murmuration.services.step_context import StepContext
from murmuration.services.storage.artifacts import get_value, put_value

OWNER = Owner(tenant="benchmark")
RUN = run_id(OWNER.tenant, "retrieval")
TOP = 30
DOCUMENTS_PER_BATCH = 5
"""Few, because the real model would take longer for the passages of many than the app waits."""
WEIGHTS = (0.01, 0.1, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 4.0)
RANKINGS: dict[str, tuple[bool, float | None]] = {
    "bm25": (True, None),
    "vectors": (False, 1.0),
    **{f"hybrid_{weight:g}": (True, weight) for weight in WEIGHTS},
}
"""Whether words count, and the weight of the vectors, None for no vectors."""
MODELS = {"hash": HASH, "minilm": MINILM}


async def measure(documents: Sequence[tuple[str, str]]) -> dict[str, float]:
    """Read the documents (source and text) and ask every question in every way."""
    clients = current_clients()
    await read(documents)
    vectors = await clients.model(StepContext(last_attempt=True)).embed(list(QUESTIONS))
    questions = list(zip(QUESTIONS, vectors, strict=True))
    client = clients.knowledge._client  # type: ignore[attr-defined]
    figures: dict[str, float] = {"questions": len(QUESTIONS)}
    for name, (words, weight) in RANKINGS.items():
        store = AzureSearchIndex(client, weight or 1.0)
        results = [
            await _sources(store, text if words else "", vector if weight else None) for text, vector in questions
        ]
        figures |= scored(name, results)
    store = AzureSearchIndex(client, clients.settings.search_vector_weight)
    figures |= scored("semantic", [await _sources(store, text, vector, ranker=True) for text, vector in questions])
    figures |= scored("shown", [await _shown(clients, text) for text in QUESTIONS])
    await clients.close()
    return figures


async def _sources(
    store: AzureSearchIndex, text: str, vector: list[float] | None, *, ranker: bool = False
) -> list[str]:
    rows = await store.search(OWNER, Search(text, TOP, ["source"], vector, ranker=ranker))
    return [row["source"] for row in rows]


async def _shown(clients: Clients, question: str) -> list[str]:
    step_context = StepContext(last_attempt=True)
    artifacts = clients.store.of_run(RUN)
    query = Query(owner=OWNER, text=question)
    model = clients.model(step_context)
    result = await retrieve_passages(query, model, clients.knowledge, artifacts, clients.settings, step_context)
    passages = await get_value(artifacts, result.passages, PassageSet)
    return [passage.source for passage in passages.passages]


def scored(name: str, results: Sequence[Sequence[str]]) -> dict[str, float]:
    """Compute hit@5 and MRR@10 over files; a file counts once."""
    hits, ranks = 0, 0.0
    for right, sources in zip(QUESTIONS.values(), results, strict=True):
        files = list(dict.fromkeys(sources))
        rank = next((rank for rank, file in enumerate(files[:10], 1) if re.search(right, file)), None)
        hits += rank is not None and rank <= 5
        ranks += 0 if rank is None else 1 / rank
    count = len(QUESTIONS)
    return {f"{name}_hit_at_5": round(hits / count, 3), f"{name}_mrr": round(ranks / count, 3)}


async def read(documents: Sequence[tuple[str, str]]) -> None:
    """Read all documents as the product does."""
    clients = current_clients()
    artifacts = clients.store.of_run(RUN)
    for start in range(0, len(documents), DOCUMENTS_PER_BATCH):
        texts = documents[start : start + DOCUMENTS_PER_BATCH]
        stored = tuple(StoredDocument(source=source, content=text) for source, text in texts)
        batch = await put_value(artifacts, DocumentBatch(documents=stored))
        step_context = StepContext(last_attempt=True)
        ingestion = Ingestion(owner=OWNER, at=datetime.now(UTC), batch=batch)
        await ingest_documents(ingestion, clients.model(step_context), clients.knowledge, artifacts, step_context)
        if step_context.degraded:
            raise RuntimeError(f"{stored[0].source!r} and the next documents: {', '.join(step_context.degraded)}")


def main() -> None:
    parser = make_parser(__doc__)
    parser.add_argument("--docs", type=Path, required=True, help="the documentation's folder")
    parser.add_argument("--embedder", choices=MODELS, default="hash")
    parser.add_argument("--cache", type=Path, help="folder that keeps vectors for the next time")
    options = parser.parse_args()
    docs: Path = options.docs
    paths = sorted(path for path in docs.rglob("*.txt") if path.is_file())
    documents = [(path.relative_to(docs).as_posix(), path.read_text(encoding="utf-8")) for path in paths]
    name = MODELS[options.embedder]
    embedder = all_embedders()[name]
    embedders = {name: Cached(embedder, options.cache) if options.cache else embedder}

    async def make() -> web.Application:
        return await make_model(embedders)

    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        with in_thread(lambda: make_search(data / "search", SEARCH_KEY)) as search, in_thread(make) as model:
            ports = [int(url.rpartition(":")[2]) for url in (search, model)]
            os.environ.update(local_settings({"EMBEDDING_MODEL": name}, data, *ports))
            migrate(current_settings())
            show(asyncio.run(measure(documents)), as_json=options.json)


if __name__ == "__main__":
    main()
