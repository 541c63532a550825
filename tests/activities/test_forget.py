"""The steps that forget, run twice and cut off in between, on the real search server and a real store."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from activities.delete_deletion_log import delete_deletion_log
from activities.forget_count import forget_count
from activities.forget_objects import forget_objects
from activities.forget_records import forget_records
from activities.forget_rows import forget_rows
from activities.forget_runs import RUNS_AT_ONCE, forget_runs
from loopback.search.routes import make_app as make_search
from loopback.serving import in_thread
from murmuration.cli.local_settings import SEARCH_KEY, local_settings
from murmuration.contracts.forgetting import DeletionCounts, DeletionPage, PageResult, RowDeletionPage, Sources, Subject
from murmuration.contracts.owner import Owner
from murmuration.policy.forgetting import source_key
from murmuration.policy.tenancy import run_id, tenant_key, user_key
from murmuration.services.clients import Clients
from murmuration.services.search.migration import migrate
from murmuration.services.search.index import index_name
from murmuration.services.search.index import Index
from murmuration.services.settings import settings_from
from murmuration.services.storage.artifacts import put_value, run_folder
from murmuration.services.storage.deletion_log import DeletionLog
from murmuration.services.storage.run_histories import History, State
from murmuration.services.storage.run_records import RunRecords
from murmuration.services.storage.sessions import Sessions

pytestmark = pytest.mark.anyio
ADA = user_key("acme", "ada")
SUBJECT = Subject(kind="user", key=ADA, owner=Owner(tenant="acme", user=ADA))
SWEEP = DeletionPage(subject=SUBJECT)


class Died(Exception):
    """The worker was lost at this point."""


class Runs:
    """Histories of runs, of which one can't be purged at first."""

    def __init__(self, **states: State) -> None:
        self.states = states
        self.dies_at: str | None = None

    async def of_run(self, run: str) -> list[History]:
        return [History(run, self.states[run])] if run in self.states else []

    async def of_tenant(self, tenant_key: str) -> list[History]:
        return [History(run, state) for run, state in self.states.items()]

    async def wake(self, instance: str, event: str) -> None:
        raise AssertionError("forgetting wakes nobody")

    async def stop(self, instance: str) -> None:
        self.states[instance] = "broken"

    async def purge(self, instance: str) -> None:
        if instance == self.dies_at:
            self.dies_at = None
            raise Died
        self.states.pop(instance, None)


class LosesItsWorker:
    """An index whose worker is lost once, right after rows were deleted."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._lost = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._index, name)

    async def delete(self, ids: Sequence[str]) -> None:
        await self._index.delete(ids)
        if not self._lost:
            self._lost = True
            raise Died


class Kept:
    """What is there to be forgotten."""

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
        page_request = RowDeletionPage(subject=SUBJECT, index="knowledge", after=after)
        artifacts = self.store.of_run(self.run)
        index = knowledge or self.clients.knowledge
        return await forget_rows(page_request, index, self.clients.memory, artifacts, self.deletion_log, self.settings)

    async def forget_objects(self, runs: Runs, page_request: DeletionPage = SWEEP) -> PageResult:
        artifacts = self.store.of_run(self.run)
        return await forget_objects(
            page_request, self.store, artifacts, self.sessions, self.records, runs, self.deletion_log
        )

    async def tally(self) -> DeletionCounts:
        return await forget_count(SWEEP, self.deletion_log, self.settings)

    @property
    def index(self) -> str:
        return index_name("knowledge", self.settings.embedding_model, self.settings.embedding_dimensions)


@pytest.fixture
async def kept(tmp_path: Path) -> AsyncIterator[Kept]:
    with in_thread(lambda: make_search(tmp_path / "search", SEARCH_KEY)) as search:
        opened = Kept(tmp_path, search)
        yield opened
        await opened.clients.close()


async def test_rows_deleted_by_a_step_that_died_are_counted_once(kept: Kept) -> None:
    await kept.write(30)

    with pytest.raises(Died):
        await kept.forget_rows(LosesItsWorker(kept.clients.knowledge))
    again = await kept.forget_rows()

    assert again.found == 0
    assert (await kept.tally()).rows[kept.index] == 30


async def test_more_rows_than_a_page_are_deleted_and_others_rows_stay(kept: Kept) -> None:
    await kept.write(2_500)
    theirs = {"id": "theirs", "tenant": "acme", "user": user_key("acme", "bob"), "text": "x"}
    await kept.clients.knowledge.write([theirs])

    assert (await kept.forget_rows()).found == 2_500
    assert (await kept.forget_rows()).found == 0
    assert [row["id"] for row in await kept.clients.knowledge.page("acme", "", after="", select=[])] == ["theirs"]


async def test_a_run_is_stopped_first_and_purged_when_it_has_ended(kept: Kept) -> None:
    for run in ("going", "over"):
        await kept.records.write(run, user=ADA)
    runs = Runs(going="under_way", over="completed", bobs="under_way")

    first = await forget_runs(SWEEP, runs, kept.records, kept.deletion_log)
    second = await forget_runs(SWEEP, runs, kept.records, kept.deletion_log)

    assert (first.found, first.waiting) == (1, 1)
    assert (second.found, second.waiting) == (1, 0)
    assert runs.states == {"bobs": "under_way"}
    assert ((await kept.tally()).runs, (await kept.tally()).stopped) == (2, 1)


async def test_a_stopped_run_stays_known_as_stopped_though_the_step_dies_after_it_was_purged(kept: Kept) -> None:
    for run in ("a", "b"):
        await kept.records.write(run, user=ADA)
    runs = Runs(a="broken", b="completed")
    runs.dies_at = "b"

    with pytest.raises(Died):
        await forget_runs(SWEEP, runs, kept.records, kept.deletion_log)
    await forget_runs(SWEEP, runs, kept.records, kept.deletion_log)

    assert runs.states == {}
    assert ((await kept.tally()).runs, (await kept.tally()).stopped) == (2, 1)


async def test_many_runs_are_gone_through_piece_by_piece(kept: Kept) -> None:
    names = [f"run-{number:04d}" for number in range(RUNS_AT_ONCE + 1)]
    for run in names:
        await kept.records.write(run, user=ADA)
    runs = Runs()
    runs.states = dict.fromkeys(names, "completed")

    first = await forget_runs(SWEEP, runs, kept.records, kept.deletion_log)
    second = await forget_runs(SWEEP.model_copy(update={"after": first.after}), runs, kept.records, kept.deletion_log)

    assert (first.found, first.after, second.found, second.after) == (RUNS_AT_ONCE, names[-2], 1, None)
    assert runs.states == {}


async def test_objects_are_deleted_and_counted_once_however_often_it_runs(kept: Kept) -> None:
    mine, bobs = run_id("acme", "mine"), run_id("acme", "bobs")
    await kept.records.write(mine, user=ADA, session="talk")
    await kept.records.write(bobs, user=user_key("acme", "bob"))
    for run in (mine, bobs):
        await kept.store.of_run(run).put(b"text")
    await kept.store.put(f"{kept.sessions.folder('talk')}/turns/1-{mine}", b"{}")

    assert [(await kept.forget_objects(Runs())).found for _ in range(2)] == [2, 0]

    assert ((await kept.tally()).artifacts, (await kept.tally()).conversations) == (1, 1)
    assert len(await kept.store.names(run_folder(bobs))) == 1


async def test_what_was_posted_is_deleted_when_its_reading_has_ended(kept: Kept) -> None:
    artifacts = kept.store.of_run(kept.run)
    sources = await put_value(artifacts, Sources(names=("tea.md",)))
    subject = Subject(kind="documents", key="k", owner=Owner(tenant="acme"), sources=sources)
    reading, other = run_id("acme", "reading"), run_id("acme", "other")
    await kept.records.write(reading, user="", documents=[source_key("acme", "", "tea.md")])
    await kept.records.write(other, user="", documents=[source_key("acme", "", "mate.md")])
    for run in (reading, other):
        await kept.store.of_run(run).put(b"posted")
    runs = Runs()
    runs.states[reading] = "under_way"

    first = await kept.forget_objects(runs, DeletionPage(subject=subject))
    runs.states[reading] = "completed"
    second = await kept.forget_objects(runs, DeletionPage(subject=subject))

    assert (first.found, first.waiting, second.found, second.waiting) == (0, 1, 1, 0)
    assert await kept.store.names(run_folder(reading)) == []
    assert len(await kept.store.names(run_folder(other))) == 1


async def test_records_go_last_and_that_of_a_run_which_has_begun_since_stays(kept: Kept) -> None:
    await kept.records.write("gone", user=ADA)
    await kept.records.write("new", user=ADA, documents=["k"])
    artifacts = kept.store.of_run(kept.run)

    for _ in range(2):
        await forget_records(SWEEP, artifacts, kept.records, Runs(new="under_way"), kept.deletion_log)

    assert [each.run for each in await kept.records.of_user(ADA)] == ["new"]
    assert [reading.run for reading in await kept.records.readings(ADA, ["k", "l"])] == ["new"]
    assert (await kept.tally()).records == 1


async def test_in_the_end_nothing_of_the_forgetting_itself_is_kept(kept: Kept) -> None:
    await kept.deletion_log.record("runs", ["a"])

    for _ in range(2):
        await delete_deletion_log(SWEEP, kept.deletion_log)

    assert await kept.store.names(tenant_key("acme")) == []
