"""Stops the runs of what is forgotten, and purges the histories of those that have ended."""

import asyncio

from murmuration.contracts.forgetting import DeletionPage, PageResult
from murmuration.policy.tenancy import tenant_key
from murmuration.services.storage.deletion_log import DeletionLog
from murmuration.services.storage.erasure import page, runs_of
from murmuration.services.storage.run_histories import Histories, History
from murmuration.services.storage.run_records import RunRecords

RUNS_AT_ONCE = 200
LOOKUPS_AT_ONCE = 8


async def forget_runs(
    page_request: DeletionPage, histories: Histories, records: RunRecords, deletion_log: DeletionLog
) -> PageResult:
    """Safe to run twice: a run that was stopped or purged is noted before, and is fine to be gone."""
    runs = sorted({each.run for each in await runs_of(page_request.subject, records)})
    some, after = page(runs, page_request.after, RUNS_AT_ONCE)
    found = await _histories(some, histories)
    if page_request.subject.kind == "tenant" and after is None:
        found += await histories.of_tenant(tenant_key(page_request.subject.owner.tenant))
    known = {each.instance: each for each in found}
    ended = sorted(name for name, each in known.items() if each.state != "under_way")
    running = sorted(name for name, each in known.items() if each.state == "under_way")
    broken = sorted(name for name, each in known.items() if each.state == "broken")
    await deletion_log.record("stopped", [*running, *broken])
    for instance in running:
        await histories.stop(instance)
    await deletion_log.record("runs", ended)
    for instance in ended:
        await histories.purge(instance)
    return PageResult(found=len(ended), waiting=len(running), after=after)


async def _histories(runs: list[str], histories: Histories) -> list[History]:
    places = asyncio.Semaphore(LOOKUPS_AT_ONCE)

    async def look_up(run: str) -> list[History]:
        async with places:
            return await histories.of_run(run)

    return [history for some in await asyncio.gather(*map(look_up, runs)) for history in some]
