"""Deletes what a forgetting has kept for itself: the names of documents, and the ids it has deleted."""

from murmuration.contracts.forgetting import Sweep, Swept
from murmuration.services.storage.deletion_log import Deletions


async def forget_notes(sweep: Sweep, deletions: Deletions) -> Swept:  # noqa: ARG001 - the row's
    """Safe to run twice: what is gone is fine."""
    await deletions.end()
    return Swept()
