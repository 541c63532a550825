"""Deletes the records of a subject's runs, last of all: nothing else tells whose the runs were."""

from murmuration.contracts.forgetting import DeletionPage, PageResult
from murmuration.services.storage.artifacts import Artifacts
from murmuration.services.storage.deletion_log import DeletionLog
from murmuration.services.storage.erasure import page, readings_of, runs_of
from murmuration.services.storage.run_histories import Histories
from murmuration.services.storage.run_records import RunRecords

RECORDS_PER_PAGE = 500


async def forget_records(
    request: DeletionPage,
    artifacts: Artifacts,
    records: RunRecords,
    histories: Histories,
    deletion_log: DeletionLog,
) -> PageResult:
    """Safe to run twice: a record is logged before it is deleted, and one that is gone is skipped.

    A run that has begun since keeps its record, for the next deletion. Runs that read deleted documents keep their
    histories, so only one that is under way keeps its record.
    """
    subject = request.subject
    of_documents = subject.kind == "documents"
    candidates = await (readings_of(subject, artifacts, records) if of_documents else runs_of(subject, records))
    by_name = {record.name: record for record in candidates if record.name}
    names, after = page(sorted(by_name), request.after, RECORDS_PER_PAGE)
    deleted = []
    for name in names:
        run_histories = await histories.of_run(by_name[name].run)
        if not any(history.under_way or not of_documents for history in run_histories):
            deleted.append(by_name[name])
    await deletion_log.record("records", [record.name for record in deleted])
    for record in deleted:
        await records.delete(record)
    return PageResult(found=len(deleted), after=after)
