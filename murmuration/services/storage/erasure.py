"""Finds what a deletion covers: runs, documents and objects, page by page."""

import asyncio
from collections.abc import Iterable, Sequence

from murmuration.contracts.forgetting import Sources, Subject
from murmuration.policy.forgetting import source_key
from murmuration.policy.tenancy import tenant_key
from murmuration.services.storage.artifacts import Artifacts, ArtifactStore, get_value, run_folder
from murmuration.services.storage.deletion_log import DeletionLog
from murmuration.services.storage.run_histories import Histories, History
from murmuration.services.storage.run_records import RunRecord, RunRecords
from murmuration.services.storage.sessions import Sessions

MAX_LOOKUPS_AT_ONCE = 8


async def runs_of(subject: Subject, records: RunRecords) -> list[RunRecord]:
    """Return the runs that are deleted with a subject; documents have none."""
    match subject.kind:
        case "user":
            return await records.of_user(subject.owner.user)
        case "session":
            return await records.of_session(subject.owner.user, subject.session)
        case "run":
            return await records.of_run(subject.run) or [RunRecord("", "", "", subject.run)]
        case "tenant":
            return await records.all()
        case "documents":
            return []


async def sources_of(subject: Subject, artifacts: Artifacts) -> tuple[str, ...]:
    """Return the names of the documents to delete."""
    if subject.sources is None:
        return ()
    return (await get_value(artifacts, subject.sources, Sources)).names


async def readings_of(subject: Subject, artifacts: Artifacts, records: RunRecords) -> list[RunRecord]:
    """Return the runs that read the documents: their artifacts hold what was posted."""
    owner = subject.owner
    keys = [source_key(owner.tenant, owner.user, source) for source in await sources_of(subject, artifacts)]
    return await records.readings(owner.user, keys)


async def histories_of(runs: Iterable[str], histories: Histories) -> list[History]:
    """Return the histories of runs and of their approval gates."""
    lookups = asyncio.Semaphore(MAX_LOOKUPS_AT_ONCE)

    async def look_up(run: str) -> list[History]:
        async with lookups:
            return await histories.of_run(run)

    return [history for of_run in await asyncio.gather(*map(look_up, runs)) for history in of_run]


async def under_way(run: str, histories: Histories) -> bool:
    """Tell whether a run, or one of its approval gates, has not ended yet."""
    return any(history.under_way for history in await histories.of_run(run))


async def objects_of_tenant(subject: Subject, store: ArtifactStore, deletion_log: DeletionLog) -> list[str]:
    """Return all object names of a tenant but the records, which are deleted last, and the deletion log."""
    folder = tenant_key(subject.owner.tenant)
    excluded = (f"{folder}/owners/", f"{folder}/readings/", f"{deletion_log.folder}/")
    return [name for name in await store.names(folder) if not name.startswith(excluded)]


async def objects_of_runs(runs: Iterable[RunRecord], store: ArtifactStore) -> list[str]:
    """Return the names of all artifacts of runs, sorted."""
    names = {record.run for record in runs}
    return sorted([name for run in sorted(names) for name in await store.names(run_folder(run))])


async def objects_of_conversations(
    subject: Subject, runs: Iterable[RunRecord], store: ArtifactStore, sessions: Sessions
) -> list[str]:
    """Return the names of whole conversations; for a single run, of its turn and the summary that may quote it.

    A later turn writes a new summary from the turns that stay.
    """
    keys = {record.session for record in runs if record.session} | ({subject.session} if subject.session else set())
    names = [name for key in sorted(keys) for name in await store.names(sessions.folder(key))]
    if subject.kind != "run":
        return names
    turns = [name for name in names if name.endswith(f"-{subject.run}")]
    folders = {name.rpartition("/turns/")[0] for name in turns}
    return turns + [name for name in names if name.endswith("/summary") and name.rpartition("/")[0] in folders]


def page(names: Sequence[str], after: str, size: int) -> tuple[list[str], str | None]:
    """Return the next `size` of sorted names, and the last of them unless they are all that is left."""
    rest = [name for name in names if name > after]
    return rest[:size], rest[size - 1] if len(rest) > size else None
