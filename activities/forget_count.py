"""Counts what a forgetting has deleted so far."""

from murmuration.contracts.forgetting import Sweep, Tally
from murmuration.services.search.indexes import KNOWLEDGE, MEMORY, index_name
from murmuration.services.settings import Settings
from murmuration.services.storage.deletion_log import Deletions


async def forget_count(sweep: Sweep, deletions: Deletions, settings: Settings) -> Tally:  # noqa: ARG001 - the row's
    """Safe to run twice: it only reads."""
    names = [index_name(kind, settings.embedding_model, settings.embedding_dimensions) for kind in (KNOWLEDGE, MEMORY)]
    return Tally(
        rows={name: await deletions.count(f"rows/{name}") for name in names},
        runs=await deletions.count("runs"),
        stopped=await deletions.count("stopped"),
        artifacts=await deletions.count("artifacts"),
        conversations=await deletions.count("conversations"),
        records=await deletions.count("records"),
    )
