"""Stops a subject's runs that are under way, and purges the histories of those that have ended."""

from murmuration.contracts.forgetting import DeletionPage, PageResult
from murmuration.policy.tenancy import tenant_key
from murmuration.services.storage.deletion_log import DeletionLog
from murmuration.services.storage.erasure import histories_of, page, runs_of
from murmuration.services.storage.run_histories import Histories
from murmuration.services.storage.run_records import RunRecords

RUNS_PER_PAGE = 200


async def forget_runs(
    request: DeletionPage, histories: Histories, records: RunRecords, deletion_log: DeletionLog
) -> PageResult:
    """Safe to run twice: a run is recorded before it is stopped or purged, and one that is gone is skipped."""
    runs = sorted({record.run for record in await runs_of(request.subject, records)})
    runs, after = page(runs, request.after, RUNS_PER_PAGE)
    all_histories = await histories_of(runs, histories)
    if request.subject.kind == "tenant" and after is None:
        all_histories += await histories.of_tenant(tenant_key(request.subject.owner.tenant))
    by_instance = {history.instance: history for history in all_histories}
    running = sorted(name for name, history in by_instance.items() if history.under_way)
    ended = sorted(by_instance.keys() - set(running))
    broken = [name for name in ended if by_instance[name].state == "broken"]
    await deletion_log.record("stopped", [*running, *broken])
    for instance in running:
        await histories.stop(instance)
    await deletion_log.record("runs", ended)
    for instance in ended:
        await histories.purge(instance)
    return PageResult(found=len(ended), waiting=len(running), after=after)
