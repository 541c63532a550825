"""Tells runs that they have a place, and finds out which of them are over."""

import asyncio

from murmuration.contracts.admission import Gone, Knock, Knocks
from murmuration.services.storage.run_histories import Histories

KNOCKS_AT_ONCE = 8


async def knock(knocks: Knocks, histories: Histories) -> Gone:
    """Safe to run twice: every wait has an event of its own, and one that nobody waits for any more is ignored."""
    places = asyncio.Semaphore(KNOCKS_AT_ONCE)

    async def is_gone(each: Knock) -> bool:
        async with places:
            found = await histories.of_run(each.run)
            gone = not any(history.instance == each.run and history.state == "under_way" for history in found)
            if each.event and not gone:
                await histories.wake(each.run, each.event)
            return gone

    gone = await asyncio.gather(*map(is_gone, knocks.knocks))
    return Gone(runs=tuple(each.run for each, over in zip(knocks.knocks, gone, strict=True) if over))
