"""Stops what an agent has begun in the background and nobody waits for any more."""

from contracts.background import Cancelled, UnderWay
from services.model import Model


async def cancel_background(under_way: UnderWay, model: Model) -> Cancelled:
    """Safe to run twice: what has ended stays as it is."""
    await model.cancel(under_way.token)
    return Cancelled()
