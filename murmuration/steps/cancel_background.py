"""Stops what an agent has begun in the background and nobody waits for any more."""

from murmuration.contracts.background import Cancelled, UnderWay
from murmuration.services.model.model import Model


async def cancel_background(under_way: UnderWay, model: Model) -> Cancelled:
    """Safe to run twice: what has ended stays as it is."""
    await model.cancel(under_way.token)
    return Cancelled()
