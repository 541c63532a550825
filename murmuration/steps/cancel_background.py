"""Stops work in the background for which nobody waits any more."""

from murmuration.contracts.background import Cancelled, UnderWay
from murmuration.services.model.model import Model


async def cancel_background(under_way: UnderWay, model: Model) -> Cancelled:
    """Safe to run twice: work that has ended stays as it is."""
    await model.cancel(under_way.token)
    return Cancelled()
