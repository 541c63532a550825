"""Read documents into memory: batches side by side, one step parses, chunks, embeds and writes each."""

from collections.abc import Mapping
from functools import reduce
from operator import add

from murmuration.contracts.documents import DocumentReading, Ingestion, ReadingReport, Unreadable
from murmuration.contracts.steps import INGEST_DOCUMENTS
from murmuration.durable.calls import call
from murmuration.durable.context import Context, now, read_input
from murmuration.durable.flow import StepFailed, Strand
from murmuration.durable.graph import run_graph
from murmuration.durable.registry import workflow

BATCHES_AT_ONCE = 4


@workflow
def read_documents(context: Context) -> Strand[ReadingReport]:
    """Read the documents of a `DocumentReading`, in batches side by side."""
    reading = read_input(context, DocumentReading)
    began = now(context)
    batches = {str(number): batch for number, batch in enumerate(reading.batches)}

    def begin(name: str, _earlier: Mapping[str, ReadingReport]) -> Strand[ReadingReport]:
        return _read(context, Ingestion(owner=reading.owner, at=began, batch=batches[name]), name)

    reports = yield from run_graph(list(batches), dict.fromkeys(batches, ()), begin, BATCHES_AT_ONCE)
    return reduce(add, reports.values(), ReadingReport())


def _read(context: Context, ingestion: Ingestion, name: str) -> Strand[ReadingReport]:
    try:
        result = yield from call(context, INGEST_DOCUMENTS, ingestion, about=f"batch {name}")
    except StepFailed as failure:
        lost = Unreadable(source=f"batch {name}", reason=f"{failure.code}: {failure.message}")
        return ReadingReport(unreadable=(lost,), usage=failure.usage)
    return result.value.model_copy(update={"usage": result.usage, "degraded": result.degraded})
