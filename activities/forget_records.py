"""Deletes the records of runs that are forgotten: the last that is known of whose they were."""

from murmuration.contracts.forgetting import DeletionPage, PageResult
from murmuration.services.storage.artifacts import Artifacts
from murmuration.services.storage.deletion_log import DeletionLog
from murmuration.services.storage.erasure import page, readings_of, runs_of
from murmuration.services.storage.run_histories import Histories
from murmuration.services.storage.run_records import RunRecord, RunRecords

RECORDS_AT_ONCE = 500


async def forget_records(
    page_request: DeletionPage,
    artifacts: Artifacts,
    records: RunRecords,
    histories: Histories,
    deletion_log: DeletionLog,
) -> PageResult:
    """Safe to run twice: a record is noted before it is deleted, and one that is gone is fine.

    The record of a run that has begun since stays, for whoever forgets next.
    """
    subject = page_request.subject
    of_documents = subject.kind == "documents"
    candidates = await (readings_of(subject, artifacts, records) if of_documents else runs_of(subject, records))
    known = {candidate.name: candidate for candidate in candidates if candidate.name}
    some, after = page(sorted(known), page_request.after, RECORDS_AT_ONCE)
    done = [known[name] for name in some if not await _needed(known[name], histories, ended_too=not of_documents)]
    await deletion_log.record("records", [each.name for each in done])
    for each in done:
        await records.delete(each)
    return PageResult(found=len(done), after=after)


async def _needed(record: RunRecord, histories: Histories, *, ended_too: bool) -> bool:
    """A reading whose documents are forgotten keeps its history, and what was posted is deleted by now."""
    found = await histories.of_run(record.run)
    return any(ended_too or each.state == "under_way" for each in found)
