"""Deletes the records of runs that are forgotten: the last that is known of whose they were."""

from murmuration.contracts.forgetting import Sweep, Swept
from murmuration.services.storage.artifacts import Artifacts
from murmuration.services.storage.deletion_log import Deletions
from murmuration.services.storage.erasure import piece, readings_of, runs_of
from murmuration.services.storage.run_histories import Histories
from murmuration.services.storage.run_records import RunRecord, RunRecords

RECORDS_AT_ONCE = 500


async def forget_records(
    sweep: Sweep, artifacts: Artifacts, records: RunRecords, histories: Histories, deletions: Deletions
) -> Swept:
    """Safe to run twice: a record is noted before it is deleted, and one that is gone is fine.

    The record of a run that has begun since stays, for whoever forgets next.
    """
    subject = sweep.subject
    of_documents = subject.kind == "documents"
    candidates = await (readings_of(subject, artifacts, records) if of_documents else runs_of(subject, records))
    known = {each.name: each for each in candidates if each.name}
    some, after = piece(sorted(known), sweep.after, RECORDS_AT_ONCE)
    done = [known[name] for name in some if not await _needed(known[name], histories, ended_too=not of_documents)]
    await deletions.note("records", [each.name for each in done])
    for each in done:
        await records.delete(each)
    return Swept(found=len(done), after=after)


async def _needed(record: RunRecord, histories: Histories, *, ended_too: bool) -> bool:
    """A reading whose documents are forgotten keeps its history, and what was posted is deleted by now."""
    found = await histories.of_run(record.run)
    return any(ended_too or each.state == "under_way" for each in found)
