"""Sleeps longer than its row allows."""

import asyncio

from murmuration.contracts.background import Cancelled, UnderWay


async def oversleep(_: UnderWay) -> Cancelled:
    await asyncio.sleep(60)
    return Cancelled()
