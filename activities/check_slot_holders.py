"""Wakes the runs that have got a slot, and finds out which holders have ended."""

import asyncio

from murmuration.contracts.admission import EndedRuns, SlotHolderCheck, Wake
from murmuration.services.storage.run_histories import Histories

MAX_CHECKS_AT_ONCE = 8


async def check_slot_holders(check: SlotHolderCheck, histories: Histories) -> EndedRuns:
    """Safe to run twice: every wait has its own event, and an event that no run waits for is ignored."""
    checks = asyncio.Semaphore(MAX_CHECKS_AT_ONCE)

    async def has_ended(wake: Wake) -> bool:
        async with checks:
            run_histories = await histories.of_run(wake.run)
            ended = not any(history.instance == wake.run and history.under_way for history in run_histories)
            if wake.event and not ended:
                await histories.wake(wake.run, wake.event)
            return ended

    ended = await asyncio.gather(*map(has_ended, check.wakes))
    return EndedRuns(runs=tuple(wake.run for wake, over in zip(check.wakes, ended, strict=True) if over))
