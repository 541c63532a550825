"""Reads a batch of documents into the index: parse, chunk, embed new chunks, delete chunks that are gone."""

import asyncio
import hashlib
from datetime import datetime

from murmuration.contracts.documents import DocumentBatch, Ingestion, ReadingReport
from murmuration.contracts.owner import Owner
from murmuration.documents import Chunk, chunk_documents, kind_of
from murmuration.policy.tenancy import tenant_key
from murmuration.services.model.model import Model
from murmuration.services.search.backfill_embeddings import backfill_embeddings
from murmuration.services.search.filters import timestamp
from murmuration.services.search.index import KNOWLEDGE, Index, Row
from murmuration.services.search.rows import path_words
from murmuration.services.step_context import StepContext
from murmuration.services.storage.artifacts import Artifacts, get_value


async def ingest_documents(
    ingestion: Ingestion, model: Model, knowledge: Index, artifacts: Artifacts, step_context: StepContext
) -> ReadingReport:
    """Safe to run twice: a chunk's id is made of its content, so the second time nothing is new."""
    batch = await get_value(artifacts, ingestion.batch, DocumentBatch)
    chunks, unreadable = await asyncio.to_thread(chunk_documents, batch.documents)
    modified = {document.source: document.modified or ingestion.at for document in batch.documents}
    present = await knowledge.ids_of_sources(ingestion.owner, list(modified))
    known = set().union(*present.values())
    current = {_chunk_id(ingestion.owner, chunk): chunk for chunk in chunks}
    new = [
        _row(ingestion.owner, id_, chunk, modified[chunk.source]) for id_, chunk in current.items() if id_ not in known
    ]
    if not await backfill_embeddings(KNOWLEDGE, ingestion.owner, new, model, knowledge):
        step_context.degraded.add("written_without_vectors")
    await knowledge.write(new)
    # The new is written before the old is deleted: a reader in between finds both, never neither.
    unreadable_sources = {document.source for document in unreadable}
    gone = [id_ for source, ids in present.items() if source not in unreadable_sources for id_ in ids - current.keys()]
    await knowledge.delete(gone)
    return ReadingReport(
        documents=len(batch.documents) - len(unreadable),
        written=len(new),
        unchanged=len(current) - len(new),
        removed=len(gone),
        unreadable=tuple(unreadable),
    )


def _chunk_id(owner: Owner, chunk: Chunk) -> str:
    content = "\0".join((owner.user, chunk.source, chunk.title, chunk.heading, chunk.text))
    return f"{tenant_key(owner.tenant)}-{hashlib.sha256(content.encode()).hexdigest()[:40]}"


def _row(owner: Owner, id_: str, chunk: Chunk, modified: datetime) -> Row:
    return {
        "id": id_,
        "tenant": owner.tenant,
        "user": owner.user or None,
        "source": chunk.source,
        "kind": kind_of(chunk.source),
        "modified": timestamp(modified),
        "path": path_words(chunk.source),
        "title": chunk.title,
        "heading": chunk.heading,
        "text": chunk.text,
    }
