"""Counts what a run has deleted so far."""

from murmuration.contracts.forgetting import DeletionCounts, DeletionPage
from murmuration.services.search.index import KNOWLEDGE, MEMORY, index_name
from murmuration.services.settings import Settings
from murmuration.services.storage.deletion_log import DeletionLog


async def forget_count(_page: DeletionPage, deletion_log: DeletionLog, settings: Settings) -> DeletionCounts:
    """Safe to run twice: it only reads."""
    names = [index_name(kind, settings.embedding_model, settings.embedding_dimensions) for kind in (KNOWLEDGE, MEMORY)]
    return DeletionCounts(
        rows={name: await deletion_log.count(f"rows/{name}") for name in names},
        runs=await deletion_log.count("runs"),
        stopped=await deletion_log.count("stopped"),
        artifacts=await deletion_log.count("artifacts"),
        conversations=await deletion_log.count("conversations"),
        records=await deletion_log.count("records"),
    )
