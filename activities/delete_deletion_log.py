"""Deletes what a forgetting has kept for itself: the names of documents, and the ids it has deleted."""

from murmuration.contracts.forgetting import DeletionPage, PageResult
from murmuration.services.storage.deletion_log import DeletionLog


async def delete_deletion_log(sweep: DeletionPage, deletion_log: DeletionLog) -> PageResult:  # noqa: ARG001 - the row's
    """Safe to run twice: what is gone is fine."""
    await deletion_log.end()
    return PageResult()
