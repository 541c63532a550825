"""Documents are read and retrieved: scopes, owners and search modes, on the real search and model services."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from activities.ingest_documents import ingest_documents
from activities.retrieve_passages import retrieve_passages
from murmuration.contracts.documents import DocumentBatch, Ingestion, ReadingReport, StoredDocument
from murmuration.contracts.owner import Owner
from murmuration.contracts.passages import Passage, PassageSet, Query, Retrieved, Scope
from murmuration.policy.tenancy import run_id, user_key
from murmuration.services.clients import Clients
from murmuration.services.errors import RetryLater
from murmuration.services.search.index import Index, Row
from murmuration.services.step_context import StepContext
from murmuration.services.storage.artifacts import get_value, put_value
from tests.services_on_loopback import Servers, servers

pytestmark = pytest.mark.anyio
ACME = Owner(tenant="acme")
ADA = Owner(tenant="acme", user=user_key("acme", "ada"))
DOCUMENTS = {
    "tea/green.md": "# Green tea\n\nGreen tea needs water of 80 degrees.",
    "tea/black.md": "# Black tea\n\nBlack tea needs boiling water.",
    "teapots.txt": "A pot of clay keeps tea and water warm.",
    "coffee/filter.html": "<h1>Filter</h1><p>Coffee needs water just off the boil.</p>",
}
JANUARY, MARCH = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)


class FailsToWrite:
    """An index to which nothing can be written; all else works."""

    def __init__(self, index: Index) -> None:
        self._index = index

    def __getattr__(self, name: str) -> Any:
        return getattr(self._index, name)

    async def write(self, rows: Sequence[Row]) -> None:
        raise RetryLater("search_unavailable", "search answered 503")


class Library:
    """The two steps, as the runner calls them, and their documents."""

    def __init__(self, started: Servers, clients: Clients) -> None:
        self.servers, self.clients = started, clients
        self.artifacts = clients.store.of_run(run_id("acme", "test"))
        self.step_context = StepContext(last_attempt=True)

    async def use(self, **settings: str) -> None:
        await self.clients.close()
        self.clients = self.servers.clients(**settings)

    async def read(
        self, documents: dict[str, str], owner: Owner = ACME, at: datetime = JANUARY, index: Index | None = None
    ) -> ReadingReport:
        stored = tuple(StoredDocument(source=source, content=text) for source, text in documents.items())
        batch = await put_value(self.artifacts, DocumentBatch(documents=stored))
        self.step_context = StepContext(last_attempt=True)
        model = self.clients.model(self.step_context)
        ingestion = Ingestion(owner=owner, at=at, batch=batch)
        knowledge = index or self.clients.knowledge
        return await ingest_documents(ingestion, model, knowledge, self.artifacts, self.step_context)

    async def retrieve(self, query: Query, *, last_attempt: bool = True) -> Retrieved:
        self.step_context = StepContext(last_attempt=last_attempt)
        clients = self.clients
        return await retrieve_passages(
            query,
            clients.model(self.step_context),
            clients.knowledge,
            self.artifacts,
            clients.settings,
            self.step_context,
        )

    async def sources(self, text: str = "water", owner: Owner = ACME, **scope: Any) -> set[str]:
        return {passage.source for passage in await self.passages(text, owner, **scope)}

    async def passages(self, text: str, owner: Owner = ACME, **scope: Any) -> tuple[Passage, ...]:
        result = await self.retrieve(Query(owner=owner, text=text, scope=Scope.model_validate(scope)))
        return (await get_value(self.artifacts, result.passages, PassageSet)).passages


@pytest.fixture
async def library(tmp_path: Path) -> AsyncIterator[Library]:
    with servers(tmp_path) as started:
        opened = Library(started, started.clients())
        await opened.read(DOCUMENTS)
        yield opened
        await opened.clients.close()


async def test_without_a_scope_all_documents_are_searched(library: Library) -> None:
    assert await library.sources() == set(DOCUMENTS)


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ({"sources": ["tea/"]}, {"tea/green.md", "tea/black.md"}),
        ({"sources": ["tea"]}, {"tea/green.md", "tea/black.md", "teapots.txt"}),
        ({"sources": ["tea/g", "coffee"]}, {"tea/green.md", "coffee/filter.html"}),
        ({"sources": ["' or tenant ne '"]}, set()),
        ({"sources": ["\ud7ff", "\U0010ffff"]}, set()),
        ({"kinds": ["html", "text"]}, {"teapots.txt", "coffee/filter.html"}),
        ({"kinds": ["pdf"]}, set()),
        ({"since": MARCH}, {"late.md"}),
        ({"until": MARCH}, set(DOCUMENTS)),
        ({"since": JANUARY, "until": MARCH, "kinds": ["markdown"]}, {"tea/green.md", "tea/black.md"}),
    ],
)
async def test_a_scope_narrows_the_search(library: Library, scope: dict[str, Any], expected: set[str]) -> None:
    await library.read({"late.md": "Water for tea is filtered since March."}, at=MARCH)

    assert await library.sources(**scope) == expected


async def test_a_documents_own_time_counts_rather_than_the_time_of_reading(library: Library) -> None:
    stored = StoredDocument(source="old.md", content="Water from the well.", modified=JANUARY)
    batch = await put_value(library.artifacts, DocumentBatch(documents=(stored,)))
    ingestion = Ingestion(owner=ACME, at=MARCH, batch=batch)
    model = library.clients.model(library.step_context)

    await ingest_documents(ingestion, model, library.clients.knowledge, library.artifacts, library.step_context)

    assert "old.md" not in await library.sources(since=MARCH)
    assert "old.md" in await library.sources(until=MARCH)


async def test_a_users_documents_are_found_by_the_user_alone(library: Library) -> None:
    await library.read({"diary.md": "Ada drinks water."}, owner=ADA)

    assert "diary.md" in await library.sources(owner=ADA)
    assert "tea/green.md" in await library.sources(owner=ADA)
    assert "diary.md" not in await library.sources()
    assert await library.sources(owner=Owner(tenant="other", user=ADA.user)) == set()


async def test_a_users_document_leaves_the_shared_one_of_the_same_name_as_it_is(library: Library) -> None:
    report = await library.read({"tea/green.md": "Ada's own tea needs no water."}, owner=ADA)

    assert (report.written, report.removed) == (1, 0)
    assert await library.sources("80 degrees green", sources=["tea/green.md"]) == {"tea/green.md"}


async def test_chunks_that_a_document_no_longer_has_are_deleted(library: Library) -> None:
    report = await library.read({"tea/green.md": "# Green tea\n\nGreen tea needs water of 70 degrees."})

    assert (report.written, report.removed) == (1, 1)
    (passage,) = await library.passages("green tea", sources=["tea/green.md"])
    assert "70 degrees" in passage.text


async def test_old_chunks_stay_until_the_new_ones_are_written(library: Library) -> None:
    index = FailsToWrite(library.clients.knowledge)

    with pytest.raises(RetryLater):
        await library.read({"tea/green.md": "# Green tea\n\nGreen tea needs water of 70 degrees."}, index=index)

    (passage,) = await library.passages("green tea", sources=["tea/green.md"])
    assert "80 degrees" in passage.text


async def test_query_variants_find_what_the_first_query_does_not(library: Library) -> None:
    assert await library.sources("degrees", kinds=["markdown"], sources=["tea/g"]) == {"tea/green.md"}

    query = Query(
        owner=ACME, text="zzz", query_variants=("clay pot", "filter coffee"), scope=Scope(kinds=("text", "html"))
    )
    result = await library.retrieve(query)

    assert (result.mode, result.count) == ("hybrid", 2)


async def test_the_semantic_ranker_orders_the_passages_when_it_is_on(library: Library) -> None:
    await library.use(SEARCH_SEMANTIC_RANKER="on")
    passages = await library.passages("water for green tea")

    assert passages[0].source == "tea/green.md"
    assert [passage.score for passage in passages] == sorted((passage.score for passage in passages), reverse=True)
    assert all(0 <= passage.score <= 4 for passage in passages), "the ranker's scale"
    assert library.step_context.degraded == set()


async def test_a_refused_ranker_is_left_out(library: Library) -> None:
    await library.use(SEARCH_SEMANTIC_RANKER="on")
    library.servers.fail_search(path="search.post.search", status=403)

    result = await library.retrieve(Query(owner=ACME, text="water"))

    assert (result.mode, result.count) == ("hybrid", 4)
    assert library.step_context.degraded == {"no_semantic_ranker"}


async def test_without_embeddings_the_search_is_by_words_alone(library: Library) -> None:
    library.servers.script("embeddings", {"status": 503})

    result = await library.retrieve(Query(owner=ACME, text="water"))

    assert (result.mode, result.count) == ("keyword", 4)
    assert library.step_context.degraded == {"keyword_search"}


async def test_an_index_that_refuses_vectors_is_searched_by_words(library: Library) -> None:
    library.servers.fail_search(path="search.post.search", status=400)

    result = await library.retrieve(Query(owner=ACME, text="water"))

    assert (result.mode, result.count) == ("keyword", 4)


async def test_the_last_attempt_goes_on_without_passages_when_search_is_down(library: Library) -> None:
    library.servers.fail_search(path="search.post.search", status=503, times=2)

    with pytest.raises(RetryLater):
        await library.retrieve(Query(owner=ACME, text="water"), last_attempt=False)
    result = await library.retrieve(Query(owner=ACME, text="water"))

    assert (result.mode, result.count) == ("none", 0)
    assert library.step_context.degraded == {"no_context"}


async def test_a_hundred_retrievals_at_once_make_at_most_three_requests_for_embeddings(library: Library) -> None:
    before = len(library.servers.calls())
    queries = [Query(owner=ACME, text=f"water number {number}") for number in range(100)]

    results = await asyncio.gather(*(library.retrieve(query) for query in queries))

    assert {result.mode for result in results} == {"hybrid"}
    assert len(library.servers.calls()) - before <= 3


async def test_chunks_read_without_vectors_get_them_with_the_next_document(library: Library) -> None:
    library.servers.script("embeddings", {"status": 400, "error": "no"})
    await library.read({"a.md": "Unmatched words about kettles."})
    assert library.step_context.degraded == {"written_without_vectors"}
    needy = "needs_embedding eq true"
    assert len(await library.clients.knowledge.find(ACME, needy, top=10, select=["id"])) == 1

    await library.read({"b.md": "Other words about kettles."})

    assert await library.clients.knowledge.find(ACME, needy, top=10, select=["id"]) == []
    assert (await library.read({"a.md": "Unmatched words about kettles."})).unchanged == 1
