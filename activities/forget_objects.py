"""Deletes a subject's objects from the artifact store: artifacts of runs, and conversations."""

from murmuration.contracts.forgetting import DeletionPage, PageResult
from murmuration.services.storage.artifacts import Artifacts, ArtifactStore
from murmuration.services.storage.deletion_log import DeletionLog
from murmuration.services.storage.erasure import (
    objects_of_conversations,
    objects_of_runs,
    objects_of_tenant,
    page,
    readings_of,
    runs_of,
    under_way,
)
from murmuration.services.storage.run_histories import Histories
from murmuration.services.storage.run_records import RunRecords
from murmuration.services.storage.sessions import Sessions

OBJECTS_PER_PAGE = 1_000


async def forget_objects(
    request: DeletionPage,
    store: ArtifactStore,
    artifacts: Artifacts,
    sessions: Sessions,
    records: RunRecords,
    histories: Histories,
    deletion_log: DeletionLog,
) -> PageResult:
    """Safe to run twice: a name is recorded before its object is deleted, and an object that is gone is skipped."""
    subject = request.subject
    waiting = 0
    if subject.kind == "tenant":
        names = await objects_of_tenant(subject, store, deletion_log)
    elif subject.kind == "documents":
        readings = await readings_of(subject, artifacts, records)
        ended = [reading for reading in readings if not await under_way(reading.run, histories)]
        waiting = len(readings) - len(ended)
        names = await objects_of_runs(ended, store)
    else:
        runs = await runs_of(subject, records)
        conversations = await objects_of_conversations(subject, runs, store, sessions)
        names = sorted([*await objects_of_runs(runs, store), *conversations])
    names, after = page(names, request.after, OBJECTS_PER_PAGE)
    turns = [name for name in names if "/sessions/" in name]
    await deletion_log.record("conversations", sorted({name.split("/")[2] for name in turns}))
    await deletion_log.record("artifacts", [name for name in names if name not in set(turns)])
    await store.delete(names)
    return PageResult(found=len(names), waiting=waiting, after=after)
