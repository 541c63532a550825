"""Reads a batch of documents into the index: parse, chunk, embed what is new, remove what is gone."""

import asyncio
import base64
import hashlib
from collections.abc import Sequence
from datetime import datetime

from murmuration.contracts.documents import DocumentBatch, Ingestion, ReadingReport, StoredDocument, Unreadable
from murmuration.contracts.owner import Owner
from murmuration.documents import Chunk, UnreadableDocument, chunk, kind_of, read_document
from murmuration.policy.tenancy import tenant_key
from murmuration.services.model.model import Model
from murmuration.services.search.backfill_embeddings import backfill_embeddings
from murmuration.services.search.filters import instant
from murmuration.services.search.indexes import KNOWLEDGE
from murmuration.services.search.rows import path_words
from murmuration.services.search.store import Index, Row
from murmuration.services.step_context import StepContext
from murmuration.services.storage.artifacts import Artifacts, get_value


async def ingest_documents(
    ingestion: Ingestion, model: Model, knowledge: Index, artifacts: Artifacts, step_context: StepContext
) -> ReadingReport:
    """Safe to run twice: a chunk's key is made of its content, and the second time nothing is new."""
    batch = await get_value(artifacts, ingestion.batch, DocumentBatch)
    chunks, unreadable = await asyncio.to_thread(_chunks, batch.documents)
    modified = {each.source: each.modified or ingestion.at for each in batch.documents}
    sources = [document.source for document in batch.documents]
    present = await knowledge.ids_of_sources(ingestion.owner, sources)
    wanted = {_key(ingestion.owner, each): each for each in chunks}
    known = set().union(*present.values())
    broken = {each.source for each in unreadable}
    new = [key for key in wanted if key not in known]
    rows = [_row(ingestion.owner, key, wanted[key], modified[wanted[key].source]) for key in new]
    await _embed(ingestion.owner, rows, model, knowledge, step_context)
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


def _key(owner: Owner, each: Chunk) -> str:
    content = "\0".join((owner.user, each.source, each.title, each.heading, each.text))
    return f"{tenant_key(owner.tenant)}-{hashlib.sha256(content.encode()).hexdigest()[:40]}"


def _row(owner: Owner, key: str, each: Chunk, modified: datetime) -> Row:
    return {
        "id": key,
        "tenant": owner.tenant,
        "user": owner.user or None,
        "source": each.source,
        "kind": kind_of(each.source),
        "modified": instant(modified),
        "path": path_words(each.source),
        "title": each.title,
        "heading": each.heading,
        "text": each.text,
    }


async def _embed(owner: Owner, rows: list[Row], model: Model, knowledge: Index, step_context: StepContext) -> None:
    """Without embeddings the rows are found by their words alone, until they are healed."""
    if not await backfill_embeddings(KNOWLEDGE, owner, rows, model, knowledge):
        step_context.degraded.add("written_without_vectors")
