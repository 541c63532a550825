"""Deletes a subject's rows from one index."""

from murmuration.contracts.forgetting import PageResult, RowDeletionPage
from murmuration.services.search.filters import of_subject
from murmuration.services.search.index import KNOWLEDGE, PAGE, Index, index_name
from murmuration.services.settings import Settings
from murmuration.services.storage.artifacts import Artifacts
from murmuration.services.storage.deletion_log import DeletionLog
from murmuration.services.storage.erasure import sources_of

MAX_PAGES_AT_ONCE = 10


async def forget_rows(
    request: RowDeletionPage,
    knowledge: Index,
    memory: Index,
    artifacts: Artifacts,
    deletion_log: DeletionLog,
    settings: Settings,
) -> PageResult:
    """Safe to run twice: an id is recorded before its row is deleted, and a row that is gone is skipped."""
    tenant = request.subject.owner.tenant
    condition = of_subject(request.subject, request.index, await sources_of(request.subject, artifacts))
    if condition is None:
        return PageResult()
    index = knowledge if request.index == KNOWLEDGE else memory
    name = index_name(request.index, settings.embedding_model, settings.embedding_dimensions)
    count, after = 0, request.after
    for _ in range(MAX_PAGES_AT_ONCE):
        ids = [row["id"] for row in await index.page(tenant, condition, after=after, select=[])]
        await deletion_log.record(f"rows/{name}", ids)
        await index.delete(ids)
        count += len(ids)
        if len(ids) < PAGE:
            return PageResult(found=count)
        after = ids[-1]
    return PageResult(found=count, after=after)
