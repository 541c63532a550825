"""Read documents into memory: batches side by side, one step parses, chunks, embeds and writes each."""

from collections.abc import Generator, Mapping
from functools import reduce
from operator import add
from typing import Any

from murmuration.contracts.documents import Ingestion, Reading, ReadingReport, Unreadable
from murmuration.contracts.steps import INGEST_DOCUMENTS
from murmuration.durable.calls import call
from murmuration.durable.context import Context, now, read_input
from murmuration.durable.flow import StepFailed, Strand, conduct
from murmuration.durable.graph import run_graph
from murmuration.durable.registry import workflow

BATCHES_AT_ONCE = 4


@workflow
def read_documents(context: Context) -> Generator[Any, Any, dict[str, Any]]:
    """Takes a `Reading`, returns a `ReadingReport`, both as JSON."""
    report = yield from conduct(context, _read_all(context, read_input(context, Reading)))
    return report.model_dump(mode="json")


def _read_all(context: Context, reading: Reading) -> Strand[ReadingReport]:
    began = now(context)
    batches = {str(number): batch for number, batch in enumerate(reading.batches)}

    def begin(name: str, _earlier: Mapping[str, ReadingReport]) -> Strand[ReadingReport]:
        return _read(context, Ingestion(owner=reading.owner, at=began, batch=batches[name]), name)

    reports = yield from run_graph(list(batches), dict.fromkeys(batches, ()), begin, BATCHES_AT_ONCE)
    return reduce(add, reports.values(), ReadingReport())


def _read(context: Context, ingestion: Ingestion, name: str) -> Strand[ReadingReport]:
    try:
        result = yield from call(context, INGEST_DOCUMENTS, ingestion)
    except StepFailed as failure:
        lost = Unreadable(source=f"batch {name}", reason=f"{failure.code}: {failure.message}")
        return ReadingReport(unreadable=(lost,), usage=failure.usage)
    return result.value.model_copy(update={"usage": result.usage, "degraded": result.done.degraded})
