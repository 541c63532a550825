"""Tells runs that they have a place, and finds out which of them are over."""

import asyncio

from murmuration.contracts.admission import EndedRuns, SlotHolderCheck, Wake
from murmuration.services.storage.run_histories import Histories

MAX_CHECKS_AT_ONCE = 8


async def check_slot_holders(wakes: SlotHolderCheck, histories: Histories) -> EndedRuns:
    """Safe to run twice: every wait has an event of its own, and one that nobody waits for any more is ignored."""
    places = asyncio.Semaphore(MAX_CHECKS_AT_ONCE)

    async def is_gone(each: Wake) -> bool:
        async with places:
            found = await histories.of_run(each.run)
            gone = not any(history.instance == each.run and history.state == "under_way" for history in found)
            if each.event and not gone:
                await histories.wake(each.run, each.event)
            return gone

    gone = await asyncio.gather(*map(is_gone, wakes.wakes))
    return EndedRuns(runs=tuple(each.run for each, over in zip(wakes.wakes, gone, strict=True) if over))
