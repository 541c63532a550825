"""Read documents into memory: batches side by side, one step parses, chunks, embeds and writes each."""

from functools import partial, reduce
from operator import add

from murmuration.contracts.documents import DocumentReading, Ingestion, ReadingReport, Unreadable
from murmuration.contracts.steps import INGEST_DOCUMENTS
from murmuration.durable.calls import call
from murmuration.durable.errors import StepFailed
from murmuration.durable.graph import run_all
from murmuration.durable.registry import workflow
from murmuration.durable.workflow import Flow

MAX_BATCHES_AT_ONCE = 4


@workflow
async def read_documents(flow: Flow, reading: DocumentReading) -> ReadingReport:
    """Read all batches, at most `MAX_BATCHES_AT_ONCE` at once, and add up their reports."""
    began = flow.now
    ingestions = [Ingestion(owner=reading.owner, at=began, batch=batch) for batch in reading.batches]
    reads = [partial(_read, flow, ingestion, number) for number, ingestion in enumerate(ingestions)]
    return reduce(add, await run_all(reads, MAX_BATCHES_AT_ONCE), ReadingReport())


async def _read(flow: Flow, ingestion: Ingestion, number: int) -> ReadingReport:
    try:
        result = await call(flow, INGEST_DOCUMENTS, ingestion, about=f"batch {number}")
    except StepFailed as failure:
        lost = Unreadable(source=f"batch {number}", reason=f"{failure.code}: {failure.message}")
        return ReadingReport(unreadable=(lost,), usage=failure.usage)
    return result.value.model_copy(update={"usage": result.usage, "degraded": result.degraded})
