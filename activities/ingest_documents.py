"""Reads a batch of documents into the index: parse, chunk, embed what is new, remove what is gone."""

import asyncio
import base64
import hashlib
from collections.abc import Sequence

from contracts.documents import DocumentBatch, Ingestion, ReadingReport, StoredDocument, Unreadable
from policy.tenancy import tenant_key
from services.artifacts import Artifacts, get_value
from services.documents import Chunk, UnreadableDocument, chunk, read_document
from services.errors import RetryLater, StepError
from services.ledger import Ledger
from services.model import Model
from services.search.store import Index, Row


async def ingest_documents(
    ingestion: Ingestion, model: Model, knowledge: Index, artifacts: Artifacts, ledger: Ledger
) -> ReadingReport:
    """Safe to run twice: a chunk's key is made of its content, and the second time nothing is new."""
    batch = await get_value(artifacts, ingestion.batch, DocumentBatch)
    chunks, unreadable = await asyncio.to_thread(_chunks, batch.documents)
    sources = [document.source for document in batch.documents]
    present = await knowledge.ids_of_sources(ingestion.tenant, sources)
    wanted = {_key(ingestion.tenant, each): each for each in chunks}
    known = set().union(*present.values())
    broken = {each.source for each in unreadable}
    new = [key for key in wanted if key not in known]
    rows = [_row(ingestion.tenant, key, wanted[key]) for key in new]
    await _embed(rows, model, ledger)
    await knowledge.write(rows)
    # The new is written before the old is removed: a reader in between finds both, never neither.
    gone = [key for source in sources if source not in broken for key in present[source] - wanted.keys()]
    await knowledge.delete(gone)
    return ReadingReport(
        documents=len(batch.documents) - len(unreadable),
        written=len(new),
        unchanged=len(wanted) - len(new),
        removed=len(gone),
        unreadable=tuple(unreadable),
    )


def _chunks(documents: Sequence[StoredDocument]) -> tuple[list[Chunk], list[Unreadable]]:
    chunks: list[Chunk] = []
    unreadable: list[Unreadable] = []
    for document in documents:
        try:
            chunks.extend(chunk(read_document(document.source, _content(document))))
        except UnreadableDocument as problem:
            unreadable.append(Unreadable(source=document.source, reason=problem.reason))
    return chunks, unreadable


def _content(document: StoredDocument) -> str | bytes:
    return document.content if document.content_base64 is None else base64.b64decode(document.content_base64)


def _key(tenant: str, each: Chunk) -> str:
    content = "\0".join((each.source, each.title, each.heading, each.text))
    return f"{tenant_key(tenant)}-{hashlib.sha256(content.encode()).hexdigest()[:40]}"


def _row(tenant: str, key: str, each: Chunk) -> Row:
    return {
        "id": key,
        "tenant": tenant,
        "source": each.source,
        "path": each.source.replace("/", " ").replace("_", " ").replace("-", " ").rsplit(".", 1)[0],
        "title": each.title,
        "heading": each.heading,
        "text": each.text,
    }


async def _embed(rows: list[Row], model: Model, ledger: Ledger) -> None:
    """Give each row its vector; without embeddings the rows are found by their words alone."""
    if not rows:
        return
    try:
        vectors = await model.embed([f"{row['title']} {row['heading']}\n{row['text']}" for row in rows])
    except StepError as problem:
        if isinstance(problem, RetryLater) and not ledger.last_attempt:
            raise
        ledger.degraded.add("written_without_vectors")
        return
    for row, vector in zip(rows, vectors, strict=True):
        row["vector"] = vector
