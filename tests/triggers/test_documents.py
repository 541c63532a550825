"""`/api/documents`: documents are stored before their run starts; sources are listed; a reading is shown."""

import json
from typing import Any

import pytest

from murmuration.contracts.content import Reference
from murmuration.contracts.documents import DocumentBatch, DocumentReading, ReadingReport
from murmuration.contracts.owner import Owner
from murmuration.contracts.runs import Caller
from murmuration.contracts.steps import INGEST_DOCUMENTS, StepCall
from murmuration.policy.tenancy import run_id, user_key
from murmuration.services.clients import Clients
from murmuration.services.storage.artifacts import get_value
from murmuration.steps.runner import run_step
from simulation.records import EPOCH
from simulation.virtual_host import VERSION
from tests.triggers.api import Api, DurableRuns, Run

pytestmark = pytest.mark.anyio

TENANT = "default"
RUN = run_id(TENANT, "reading")
KEY = {"Idempotency_Key": "reading"}
TEA = {"source": "tea.md", "content": "# Tea\n\nTea is hot.", "modified": "2026-01-01T00:00:00Z"}
PDF = {"source": "tea.pdf", "content_base64": "JVBERg=="}


async def batches_of(clients: Clients, run: Run) -> list[DocumentBatch]:
    reading = DocumentReading.model_validate(run.input)
    artifacts = clients.store.of_run(RUN)
    return [await get_value(artifacts, reference, DocumentBatch) for reference in reading.batches]


async def test_documents_are_stored_before_their_run_starts(api: Api, durable: DurableRuns, clients: Clients) -> None:
    answer = await api("POST", "/api/documents", {"documents": [TEA, PDF], "user": "ann"}, **KEY)

    assert answer.status == 202
    assert answer.body["reportUri"] == f"http://127.0.0.1:7071/api/documents/{RUN}"
    run = durable.runs[RUN]
    reading = DocumentReading.model_validate(run.input)
    assert (run.name, run.version, reading.workflow_version) == ("read_documents", VERSION, VERSION)
    assert (reading.caller, reading.owner.user) == (Caller(tenant=TENANT), user_key(TENANT, "ann"))
    [batch] = await batches_of(clients, run)
    assert [(document.source, document.content_base64) for document in batch.documents] == [
        ("tea.md", None), ("tea.pdf", "JVBERg=="),
    ]  # fmt: skip
    assert batch.documents[0].modified == EPOCH
    assert "Tea is hot" not in json.dumps(run.input)


async def test_the_later_of_two_documents_of_one_source_counts(
    api: Api, durable: DurableRuns, clients: Clients
) -> None:
    large = {"source": "large.md", "content": "x" * 400_000}
    documents = [TEA, {**TEA, "content": "Tea is cold."}, large, {**large, "source": "larger.md"}, TEA]

    await api("POST", "/api/documents", {"documents": documents}, **KEY)

    batches = await batches_of(clients, durable.runs[RUN])
    assert [[(document.source, len(document.content)) for document in batch.documents] for batch in batches] == [
        [("tea.md", 12), ("large.md", 400_000)], [("larger.md", 400_000), ("tea.md", 18)],
    ]  # fmt: skip


async def test_a_request_may_wait_for_the_report(api: Api, durable: DurableRuns) -> None:
    report = ReadingReport(documents=1, written=2).model_dump(mode="json")

    def complete(run: Run) -> None:
        run.runtime_status, run.output = "Completed", report

    durable.on_start = complete

    answer = await api("POST", "/api/documents", {"documents": [TEA], "wait": 30}, **KEY)

    assert (answer.status, answer.body) == (200, {"id": RUN, "status": "completed", "report": report})


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "documents"),
        ({"documents": []}, "documents"),
        ({"documents": [{"source": "a.md"}]}, "documents.0.content"),
        ({"documents": [{**TEA, "content_base64": ""}]}, "documents.0.content"),
        ({"documents": [{"source": "a.pdf", "content_base64": "no base64"}]}, "documents.0.content_base64"),
        ({"documents": [TEA, {**TEA, "source": "a\nb.md"}]}, "documents.1.source"),
        ({"documents": [{**TEA, "modified": 1_700_000_000}]}, "documents.0.modified"),
        ({"documents": [{**TEA, "modified": "2026-01-01T00:00:00"}]}, "documents.0.modified"),
        ({"documents": [{**TEA, "title": "Tea"}]}, "documents.0.title"),
        ({"documents": [TEA], "wait": -1}, "wait"),
    ],
)
async def test_a_bad_document_is_refused_with_its_field(api: Api, durable: DurableRuns, body: Any, field: str) -> None:
    answer = await api("POST", "/api/documents", body)

    assert (answer.status, answer.body["errors"][0]["field"]) == (400, field)
    assert not durable.runs


async def test_too_large_a_body_is_refused(api: Api) -> None:
    answer = await api("POST", "/api/documents", b" " * (8 * 1024 * 1024 + 1))

    assert answer.status == 413


async def read(run: Run) -> None:
    """Do what the run would do."""
    reading = DocumentReading.model_validate(run.input)
    for batch in reading.batches:
        value = {"owner": reading.owner.model_dump(), "at": "2026-01-01T00:00:00Z", "batch": batch.model_dump()}
        call = StepCall(run=RUN, attempt=1, value=value)
        assert (await run_step(INGEST_DOCUMENTS, call.model_dump(mode="json")))["outcome"] == "done"


async def test_sources_are_listed_for_their_owner_alone(api: Api, durable: DurableRuns, clients: Clients) -> None:
    names = ("list/a.md", "list/b.md", "other.md")
    documents = [{**TEA, "source": name, "content": f"# {name}\n\nTea is hot."} for name in names]
    await api("POST", "/api/documents", {"documents": documents, "user": "lister"}, **KEY)
    await read(durable.runs[RUN])

    own = (await api("GET", "/api/documents?user=lister&prefix=list/")).body
    rest = (await api("GET", "/api/documents?user=lister&after=list/a.md")).body
    others = (await api("GET", "/api/documents?user=somebody")).body

    assert own == {"documents": [{"source": name, "chunks": 1} for name in names[:2]], "next": None}
    assert [row["source"] for row in rest["documents"]] == ["list/b.md", "other.md"]
    assert others["documents"] == []


@pytest.mark.parametrize("field", ["user", "prefix", "after"])
async def test_a_query_that_is_too_long_is_refused(api: Api, field: str) -> None:
    answer = await api("GET", f"/api/documents?{field}={'x' * 513}")

    assert (answer.status, answer.body["errors"][0]["field"]) == (400, field)


async def test_a_reading_is_shown_with_its_report(api: Api, durable: DurableRuns) -> None:
    run = durable.runs[RUN] = Run("read_documents", {}, VERSION)
    under_way = (await api("GET", f"/api/documents/{RUN}")).body
    report = ReadingReport(documents=1).model_dump(mode="json")
    run.runtime_status, run.output = "Completed", report

    done = (await api("GET", f"/api/documents/{RUN}")).body

    assert (under_way["status"], under_way["report"]) == ("running", None)
    assert (done["status"], done["report"]) == ("completed", report)


async def test_a_goal_is_not_shown_as_a_reading(api: Api, durable: DurableRuns) -> None:
    durable.runs[RUN] = Run("achieve_goal", {}, VERSION)

    assert (await api("GET", f"/api/documents/{RUN}")).status == 404
    assert (await api("GET", "/api/documents/nothing")).status == 404


def test_an_input_without_a_caller_is_none() -> None:
    """Every run says who called."""
    reading = {"owner": Owner(tenant="t").model_dump(), "batches": [Reference(artifact="a", bytes=1).model_dump()]}

    with pytest.raises(ValueError, match="caller"):
        DocumentReading.model_validate(reading)
