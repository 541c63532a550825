"""`POST /api/documents` reads documents, `GET` lists them, `GET …/{id}` shows how far the reading is."""

import uuid
from collections.abc import Iterator, Sequence

import azure.durable_functions as df
import azure.functions as func

from murmuration.contracts.documents import (
    DocumentBatch,
    DocumentReading,
    DocumentsRequest,
    DocumentUpload,
    ReadingReport,
    StoredDocument,
)
from murmuration.contracts.owner import Owner
from murmuration.contracts.runs import Caller
from murmuration.http.body import idempotency_key, read_body, read_query, wait_seconds
from murmuration.http.problems import answering
from murmuration.http.runs import accepted, ended, facts, find, ok, output_of, start, state
from murmuration.policy.forgetting import source_key
from murmuration.policy.tenancy import run_id, tenant_key, user_key
from murmuration.services.current import current_clients, current_settings
from murmuration.services.search.index import SOURCES_PAGE
from murmuration.services.storage.artifacts import put_value
from murmuration.services.storage.run_records import RunRecords
from triggers.admission import admit

ORCHESTRATOR = "read_documents"
MAX_BODY_BYTES = 8 * 1024 * 1024
BATCH_CHARACTERS = 500_000
"""One activity parses, embeds and writes a batch of this size in a few seconds."""

documents = df.Blueprint()


@documents.route(route="documents", methods=["POST"])
@documents.durable_client_input(client_name="client")
@answering
async def read_documents_in(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """Read documents: 202 with the status URLs, or 200 with the report when it is ready within `wait` seconds.

    Documents are stored as artifacts before the run starts, so nothing that was accepted is lost.
    """
    await admit(client)
    settings = current_settings()
    wait = wait_seconds(req)
    request = read_body(req, DocumentsRequest, MAX_BODY_BYTES)
    run = run_id(settings.tenant, idempotency_key(req) or uuid.uuid4().hex)
    owner = Owner(tenant=settings.tenant, user=user_key(settings.tenant, request.user))
    await _record(run, owner, request.documents)
    artifacts = current_clients().store.of_run(run)
    batches = [await put_value(artifacts, batch) for batch in _batches(request.documents)]
    reading = DocumentReading(caller=Caller(tenant=settings.tenant), owner=owner, batches=tuple(batches))
    await start(client, ORCHESTRATOR, run, reading)
    await _record(run, owner, request.documents)
    status = await ended(client, run, request.wait if wait is None else wait)
    if status is None:
        return accepted(client, req, run, "reportUri")
    report = ReadingReport.model_validate(output_of(status))
    return ok({"id": run, "status": "completed", "report": report.model_dump(mode="json")})


@documents.route(route="documents", methods=["GET"])
@answering
async def list_documents(req: func.HttpRequest) -> func.HttpResponse:
    """List the sources that can be found, with the number of their chunks; with `?user=`, that user's own.

    `?prefix=` lists sources that begin so. `next` is the `?after=` of the next page, or null.
    """
    tenant = current_settings().tenant
    owner = Owner(tenant=tenant, user=user_key(tenant, read_query(req, "user")))
    prefix, after = read_query(req, "prefix"), read_query(req, "after")
    counts = await current_clients().knowledge.sources(owner, prefix=prefix, after=after)
    rows = [{"source": source, "chunks": chunks} for source, chunks in counts.items()]
    return ok({"documents": rows, "next": rows[-1]["source"] if len(rows) == SOURCES_PAGE else None})


@documents.route(route="documents/{id}", methods=["GET"])
@documents.durable_client_input(client_name="client")
@answering
async def show_reading(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """Show whether the documents have been read, and the report when they have."""
    status = await find(client, current_settings().tenant, req.route_params["id"], ORCHESTRATOR)
    report = None
    if state(status) == "completed":
        report = ReadingReport.model_validate(output_of(status)).model_dump(mode="json")
    return ok({"id": status.instance_id, "status": state(status), "report": report, **facts(status)})


async def _record(run: str, owner: Owner, uploads: Sequence[DocumentUpload]) -> None:
    """Record which documents the run reads, so that a forgetting finds it."""
    keys = sorted({source_key(owner.tenant, owner.user, upload.source) for upload in uploads})
    records = RunRecords(current_clients().store, tenant_key(owner.tenant))
    await records.write(run, user=owner.user, documents=keys)


def _batches(uploads: Sequence[DocumentUpload]) -> Iterator[DocumentBatch]:
    """Split the uploads in order: of two documents of one source the later is read later, and in no batch twice."""
    batch: dict[str, StoredDocument] = {}
    size = 0
    for upload in uploads:
        content = upload.content or ""
        characters = len(content) + len(upload.content_base64 or "")
        if batch and size + characters > BATCH_CHARACTERS:
            yield DocumentBatch(documents=tuple(batch.values()))
            batch, size = {}, 0
        batch[upload.source] = StoredDocument(
            source=upload.source,
            content=content,
            content_base64=upload.content_base64,
            modified=upload.modified,
        )
        size += characters
    yield DocumentBatch(documents=tuple(batch.values()))
