"""Deletes everything that a run which forgets keeps for itself: the documents' names and the log of deleted ids."""

from murmuration.contracts.forgetting import DeletionPage, PageResult
from murmuration.services.storage.deletion_log import DeletionLog


async def delete_deletion_log(_page: DeletionPage, deletion_log: DeletionLog) -> PageResult:
    """Safe to run twice: what is gone already is skipped."""
    await deletion_log.delete()
    return PageResult()
