"""Refuses in a way that it foresees."""

from murmuration.contracts.background import Cancelled, UnderWay
from murmuration.services.errors import GiveUp


async def refuse(_: UnderWay) -> Cancelled:
    raise GiveUp("not_today", "come back tomorrow")
