"""`python -m benchmarks.retrieval_quality --docs DIR [--json]`: how often the right file is found, and by what.

The documents are those of `python_docs.QUESTIONS` (Debian package python3.11-doc, folder
usr/share/doc/python3.11/html/_sources), read by the product's own activity into the local search service. A question is
hit when a right file is among the first five different files; the reciprocal rank counts the first right one of ten.
`shown` is what an agent is shown of it: the passages after joining, repeats and the prompt's share.
"""

import argparse
import asyncio
import os
import re
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.python_docs import QUESTIONS
from benchmarks.report import show
from contracts.owner import Owner
from local.cloud import SEARCH_KEY, local_settings
from local.model_service.routes import make_app as make_model
from local.search_service.routes import make_app as make_search
from local.serving import in_thread
from policy.tenancy import run_id

OWNER = Owner(tenant="benchmark")
RUN = run_id(OWNER.tenant, "retrieval")
LOOKED_AT = 30
MODES = {"bm25": 0.0, "vector": None, "hybrid": 0.01, "hybrid_tenth": 0.1, "hybrid_equal": 1.0}
"""The weight of the vectors; None: they alone."""


async def measure(documents: Sequence[tuple[str, str]]) -> dict[str, float]:
    """Read the documents (source and text), ask every question in every way."""
    from activities.retrieve_passages import SELECT, retrieve_passages
    from contracts.passages import PassageSet, Query
    from services.artifacts import get_value
    from services.clients import current_clients
    from services.ledger import Ledger
    from services.search.store import Search, SearchIndexStore

    clients = current_clients()
    await read(documents)
    ledger = Ledger(last_attempt=True)
    model = clients.model(ledger)
    vectors = await model.embed(list(QUESTIONS))
    figures: dict[str, float] = {"questions": len(QUESTIONS)}
    for name, weight in MODES.items():
        store = SearchIndexStore(clients.knowledge._client, weight or 1.0)  # type: ignore[attr-defined]
        found = []
        for question, vector in zip(QUESTIONS, vectors, strict=True):
            text = "" if weight is None else question
            asked = Search(text, top=LOOKED_AT, select=SELECT, vector=None if weight == 0 else vector)
            rows = await store.search(OWNER, asked)
            found.append([row["source"] for row in rows])
        figures |= scored(name, found)
    artifacts = clients.store.of_run(RUN)
    shown = []
    for question in QUESTIONS:
        result = await retrieve_passages(
            Query(owner=OWNER, text=question), model, clients.knowledge, artifacts, clients.settings, ledger
        )
        passages = await get_value(artifacts, result.passages, PassageSet)
        shown.append([each.source for each in passages.passages])
    await clients.close()
    return figures | scored("shown", shown)


def scored(name: str, found: Sequence[Sequence[str]]) -> dict[str, float]:
    """hit@5 and MRR@10 over files; a file counts once."""
    hits, ranks = 0, 0.0
    for right, sources in zip(QUESTIONS.values(), found, strict=True):
        files = list(dict.fromkeys(sources))
        place = next((place for place, each in enumerate(files[:10]) if re.search(right, each)), None)
        hits += place is not None and place < 5
        ranks += 0 if place is None else 1 / (place + 1)
    count = len(QUESTIONS)
    return {f"{name}_hit_at_5": round(hits / count, 3), f"{name}_mrr": round(ranks / count, 3)}


async def read(documents: Sequence[tuple[str, str]]) -> None:
    """All documents, as the product reads them."""
    from activities.ingest_documents import ingest_documents
    from contracts.documents import DocumentBatch, Ingestion, StoredDocument
    from services.artifacts import put_value
    from services.clients import current_clients
    from services.ledger import Ledger

    clients = current_clients()
    artifacts = clients.store.of_run(RUN)
    for start in range(0, len(documents), 20):
        some = tuple(StoredDocument(source=source, content=text) for source, text in documents[start : start + 20])
        batch = await put_value(artifacts, DocumentBatch(documents=some))
        ledger = Ledger(last_attempt=True)
        ingestion = Ingestion(owner=OWNER, at=datetime.now(UTC), batch=batch)
        await ingest_documents(ingestion, clients.model(ledger), clients.knowledge, artifacts, ledger)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--docs", type=Path, required=True, help="the documentation's folder")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    docs: Path = options.docs
    paths = sorted(path for path in docs.rglob("*.txt") if path.is_file())
    documents = [(path.relative_to(docs).as_posix(), path.read_text(encoding="utf-8")) for path in paths]
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        with in_thread(lambda: make_search(data / "search", SEARCH_KEY)) as search, in_thread(make_model) as model:
            ports = [int(url.rpartition(":")[2]) for url in (search, model)]
            os.environ.update(local_settings({}, data, *ports))
            from services.search.__main__ import migrate
            from services.settings import current_settings

            migrate(current_settings())
            show(asyncio.run(measure(documents)))


if __name__ == "__main__":
    main()
