"""The steps that delete, run twice and cut off in between, on the real search service and a real store."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from activities.delete_deletion_log import delete_deletion_log
from activities.forget_count import forget_count
from activities.forget_objects import forget_objects
from activities.forget_records import forget_records
from activities.forget_rows import forget_rows
from activities.forget_runs import RUNS_PER_PAGE, forget_runs
from loopback.search.routes import make_app as make_search
from loopback.serving import in_thread
from murmuration.cli.local_settings import SEARCH_KEY, local_settings
from murmuration.contracts.forgetting import DeletionCounts, DeletionPage, PageResult, RowDeletionPage, Sources, Subject
from murmuration.contracts.owner import Owner
from murmuration.policy.forgetting import source_key
from murmuration.policy.tenancy import run_id, tenant_key, user_key
from murmuration.services.clients import Clients
from murmuration.services.search.index import Index, index_name
from murmuration.services.search.migration import migrate
from murmuration.services.settings import settings_from
from murmuration.services.storage.artifacts import put_value, run_folder
from murmuration.services.storage.deletion_log import DeletionLog
from murmuration.services.storage.run_histories import History, State
from murmuration.services.storage.run_records import RunRecords
from murmuration.services.storage.sessions import Sessions

pytestmark = pytest.mark.anyio
ADA = user_key("acme", "ada")
SUBJECT = Subject(kind="user", key=ADA, owner=Owner(tenant="acme", user=ADA))
PAGE = DeletionPage(subject=SUBJECT)


class WorkerLost(Exception):
    """The worker died at this point."""


class FakeHistories:
    """Histories in memory. The first purge of `dies_at` loses the worker."""

    def __init__(self, **states: State) -> None:
        self.states = states
        self.dies_at: str | None = None

    async def of_run(self, run: str) -> list[History]:
        return [History(run, self.states[run])] if run in self.states else []

    async def of_tenant(self, tenant_key: str) -> list[History]:
        return [History(run, state) for run, state in self.states.items()]

    async def wake(self, instance: str, event: str) -> None:
        raise AssertionError("a deletion wakes no run")

    async def stop(self, instance: str) -> None:
        self.states[instance] = "broken"

    async def purge(self, instance: str) -> None:
        if instance == self.dies_at:
            self.dies_at = None
            raise WorkerLost
        self.states.pop(instance, None)


class LosesWorkerAfterDelete:
    """An index whose first deletion loses the worker after the rows are deleted."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._lost = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._index, name)

    async def delete(self, ids: Sequence[str]) -> None:
        await self._index.delete(ids)
        if not self._lost:
            self._lost = True
            raise WorkerLost


class Stored:
    """The app's storage, and the steps that delete from it."""

    def __init__(self, data: Path, search: str) -> None:
        settings = local_settings({}, data, int(search.rpartition(":")[2]), 9)
        self.settings = settings_from(settings, lambda vault, name: "")
        self.clients = Clients(self.settings)
        self.store = self.clients.store
        self.records = RunRecords(self.store, tenant_key("acme"))
        self.run = run_id("acme", "forgetting")
        self.deletion_log = DeletionLog(self.store, self.run)
        self.sessions = Sessions(self.store, tenant_key("acme"))
        migrate(self.settings)

    async def write(self, count: int) -> None:
        rows = [{"id": f"row-{number:05d}", "tenant": "acme", "user": ADA, "text": "x"} for number in range(count)]
        await self.clients.knowledge.write(rows)

    async def forget_rows(self, knowledge: Index | None = None, after: str = "") -> PageResult:
        request = RowDeletionPage(subject=SUBJECT, index="knowledge", after=after)
        artifacts = self.store.of_run(self.run)
        index = knowledge or self.clients.knowledge
        return await forget_rows(request, index, self.clients.memory, artifacts, self.deletion_log, self.settings)

    async def forget_objects(self, histories: FakeHistories, request: DeletionPage = PAGE) -> PageResult:
        artifacts = self.store.of_run(self.run)
        return await forget_objects(
            request, self.store, artifacts, self.sessions, self.records, histories, self.deletion_log
        )

    async def counts(self) -> DeletionCounts:
        return await forget_count(PAGE, self.deletion_log, self.settings)

    @property
    def index(self) -> str:
        return index_name("knowledge", self.settings.embedding_model, self.settings.embedding_dimensions)


@pytest.fixture
async def stored(tmp_path: Path) -> AsyncIterator[Stored]:
    with in_thread(lambda: make_search(tmp_path / "search", SEARCH_KEY)) as search:
        opened = Stored(tmp_path, search)
        yield opened
        await opened.clients.close()


async def test_rows_that_a_lost_worker_deleted_are_counted_once(stored: Stored) -> None:
    await stored.write(30)

    with pytest.raises(WorkerLost):
        await stored.forget_rows(LosesWorkerAfterDelete(stored.clients.knowledge))
    repeated = await stored.forget_rows()

    assert repeated.found == 0
    assert (await stored.counts()).rows[stored.index] == 30


async def test_more_rows_than_a_page_are_deleted_and_another_users_rows_stay(stored: Stored) -> None:
    await stored.write(2_500)
    theirs = {"id": "theirs", "tenant": "acme", "user": user_key("acme", "bob"), "text": "x"}
    await stored.clients.knowledge.write([theirs])

    assert (await stored.forget_rows()).found == 2_500
    assert (await stored.forget_rows()).found == 0
    assert [row["id"] for row in await stored.clients.knowledge.page("acme", "", after="", select=[])] == ["theirs"]


async def test_a_run_under_way_is_stopped_and_purged_when_it_has_ended(stored: Stored) -> None:
    for run in ("going", "over"):
        await stored.records.write(run, user=ADA)
    histories = FakeHistories(going="under_way", over="completed", bobs="under_way")

    first = await forget_runs(PAGE, histories, stored.records, stored.deletion_log)
    second = await forget_runs(PAGE, histories, stored.records, stored.deletion_log)

    assert (first.found, first.waiting) == (1, 1)
    assert (second.found, second.waiting) == (1, 0)
    assert histories.states == {"bobs": "under_way"}
    assert ((await stored.counts()).runs, (await stored.counts()).stopped) == (2, 1)


async def test_a_stopped_run_is_counted_though_the_worker_is_lost_after_its_purge(stored: Stored) -> None:
    for run in ("a", "b"):
        await stored.records.write(run, user=ADA)
    histories = FakeHistories(a="broken", b="completed")
    histories.dies_at = "b"

    with pytest.raises(WorkerLost):
        await forget_runs(PAGE, histories, stored.records, stored.deletion_log)
    await forget_runs(PAGE, histories, stored.records, stored.deletion_log)

    assert histories.states == {}
    assert ((await stored.counts()).runs, (await stored.counts()).stopped) == (2, 1)


async def test_many_runs_are_deleted_page_by_page(stored: Stored) -> None:
    names = [f"run-{number:04d}" for number in range(RUNS_PER_PAGE + 1)]
    for run in names:
        await stored.records.write(run, user=ADA)
    histories = FakeHistories()
    histories.states = dict.fromkeys(names, "completed")

    first = await forget_runs(PAGE, histories, stored.records, stored.deletion_log)
    second = await forget_runs(
        PAGE.model_copy(update={"after": first.after}), histories, stored.records, stored.deletion_log
    )

    assert (first.found, first.after, second.found, second.after) == (RUNS_PER_PAGE, names[-2], 1, None)
    assert histories.states == {}


async def test_objects_are_counted_once_however_often_the_step_runs(stored: Stored) -> None:
    mine, bobs = run_id("acme", "mine"), run_id("acme", "bobs")
    await stored.records.write(mine, user=ADA, session="talk")
    await stored.records.write(bobs, user=user_key("acme", "bob"))
    for run in (mine, bobs):
        await stored.store.of_run(run).put(b"text")
    await stored.store.put(f"{stored.sessions.folder('talk')}/turns/1-{mine}", b"{}")

    assert [(await stored.forget_objects(FakeHistories())).found for _ in range(2)] == [2, 0]

    assert ((await stored.counts()).artifacts, (await stored.counts()).conversations) == (1, 1)
    assert len(await stored.store.names(run_folder(bobs))) == 1


async def test_posted_documents_are_deleted_when_their_reading_has_ended(stored: Stored) -> None:
    artifacts = stored.store.of_run(stored.run)
    sources = await put_value(artifacts, Sources(names=("tea.md",)))
    subject = Subject(kind="documents", key="k", owner=Owner(tenant="acme"), sources=sources)
    reading, other = run_id("acme", "reading"), run_id("acme", "other")
    await stored.records.write(reading, user="", documents=[source_key("acme", "", "tea.md")])
    await stored.records.write(other, user="", documents=[source_key("acme", "", "mate.md")])
    for run in (reading, other):
        await stored.store.of_run(run).put(b"posted")
    histories = FakeHistories()
    histories.states[reading] = "under_way"

    first = await stored.forget_objects(histories, DeletionPage(subject=subject))
    histories.states[reading] = "completed"
    second = await stored.forget_objects(histories, DeletionPage(subject=subject))

    assert (first.found, first.waiting, second.found, second.waiting) == (0, 1, 1, 0)
    assert await stored.store.names(run_folder(reading)) == []
    assert len(await stored.store.names(run_folder(other))) == 1


async def test_the_record_of_a_run_that_has_begun_since_stays(stored: Stored) -> None:
    await stored.records.write("gone", user=ADA)
    await stored.records.write("new", user=ADA, documents=["k"])
    artifacts = stored.store.of_run(stored.run)

    for _ in range(2):
        await forget_records(PAGE, artifacts, stored.records, FakeHistories(new="under_way"), stored.deletion_log)

    assert [record.run for record in await stored.records.of_user(ADA)] == ["new"]
    assert [reading.run for reading in await stored.records.readings(ADA, ["k", "l"])] == ["new"]
    assert (await stored.counts()).records == 1


async def test_the_deletion_log_is_deleted_in_the_end(stored: Stored) -> None:
    await stored.deletion_log.record("runs", ["a"])

    for _ in range(2):
        await delete_deletion_log(PAGE, stored.deletion_log)

    assert await stored.store.names(tenant_key("acme")) == []
