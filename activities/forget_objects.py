"""Deletes what the artifact store holds of what is forgotten: artifacts of runs, and conversations."""

from murmuration.contracts.forgetting import DeletionPage, PageResult, Subject
from murmuration.policy.tenancy import tenant_key
from murmuration.services.storage.artifacts import Artifacts, ArtifactStore, run_folder
from murmuration.services.storage.deletion_log import DeletionLog
from murmuration.services.storage.erasure import page, readings_of, runs_of
from murmuration.services.storage.run_histories import Histories
from murmuration.services.storage.run_records import RunRecord, RunRecords
from murmuration.services.storage.sessions import Sessions

OBJECTS_AT_ONCE = 1_000


async def forget_objects(
    page_request: DeletionPage,
    store: ArtifactStore,
    artifacts: Artifacts,
    sessions: Sessions,
    records: RunRecords,
    histories: Histories,
    deletion_log: DeletionLog,
) -> PageResult:
    """Safe to run twice: a name is noted before its object is deleted, and an object that is gone is fine."""
    subject = page_request.subject
    waiting = 0
    if subject.kind == "tenant":
        names = await _of_tenant(subject, store, deletion_log)
    elif subject.kind == "documents":
        readings = await readings_of(subject, artifacts, records)
        over = [reading for reading in readings if not await _under_way(reading, histories)]
        waiting = len(readings) - len(over)
        names = await _of_runs(over, store)
    else:
        runs = await runs_of(subject, records)
        names = sorted([*await _of_runs(runs, store), *await _of_conversations(subject, runs, store, sessions)])
    some, after = page(names, page_request.after, OBJECTS_AT_ONCE)
    conversations = [name for name in some if "/sessions/" in name]
    await deletion_log.record("conversations", sorted({name.split("/")[2] for name in conversations}))
    await deletion_log.record("artifacts", [name for name in some if name not in set(conversations)])
    await store.delete(some)
    return PageResult(found=len(some), waiting=waiting, after=after)


async def _of_tenant(subject: Subject, store: ArtifactStore, deletion_log: DeletionLog) -> list[str]:
    """All but the records, which end last, and what this forgetting keeps for itself."""
    folder = tenant_key(subject.owner.tenant)
    kept = (f"{folder}/owners/", f"{folder}/readings/", f"{deletion_log.folder}/")
    return [name for name in await store.names(folder) if not name.startswith(kept)]


async def _under_way(reading: RunRecord, histories: Histories) -> bool:
    return any(each.state == "under_way" for each in await histories.of_run(reading.run))


async def _of_runs(runs: list[RunRecord], store: ArtifactStore) -> list[str]:
    return sorted([name for run in sorted({each.run for each in runs}) for name in await store.names(run_folder(run))])


async def _of_conversations(
    subject: Subject, runs: list[RunRecord], store: ArtifactStore, sessions: Sessions
) -> list[str]:
    """Whole conversations; of one run its turn, and the summary, which is made anew of the turns that stay."""
    keys = {run.session for run in runs if run.session} | ({subject.session} if subject.session else set())
    names = [name for key in sorted(keys) for name in await store.names(sessions.folder(key))]
    if subject.kind != "run":
        return names
    turns = [name for name in names if name.endswith(f"-{subject.run}")]
    folders = {name.rpartition("/turns/")[0] for name in turns}
    return turns + [name for name in names if name.endswith("/summary") and name.rpartition("/")[0] in folders]
