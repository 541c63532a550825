"""The number of concurrent calls follows what the deployment can bear."""

import asyncio

import pytest

from murmuration.services.errors import RATE_LIMITED, RetryLater
from murmuration.services.model.limiter import FIRST_LIMIT, MAX_PAUSE_SECONDS, AdaptiveLimiter

pytestmark = pytest.mark.anyio
LIMITED = RetryLater(RATE_LIMITED, "429")


class Time:
    """A clock that moves when a caller sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


class HeldCalls:
    """Calls that end when they are released, and how many were under way until then."""

    def __init__(self, limiter: AdaptiveLimiter) -> None:
        self.limiter = limiter
        self.released = asyncio.Event()
        self.under_way = self.concurrent = 0

    async def call(self, problem: Exception | None = None) -> None:
        async with self.limiter.slot(5):
            self.under_way += 1
            try:
                await self.released.wait()
                if problem is not None:
                    raise problem
            finally:
                self.under_way -= 1

    async def run(self, *problems: Exception | None) -> None:
        """Make one call for each problem at once, release them, and wait for their ends."""
        tasks = [asyncio.create_task(self.call(problem)) for problem in problems]
        for _ in range(5):
            await asyncio.sleep(0)
        self.concurrent = self.under_way
        self.released.set()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_no_more_calls_than_the_limit_are_under_way() -> None:
    calls = HeldCalls(AdaptiveLimiter())

    await calls.run(*[None] * 50)

    assert calls.concurrent == FIRST_LIMIT


async def test_without_refusals_the_limit_soon_admits_every_caller() -> None:
    limiter = AdaptiveLimiter()

    for _ in range(3):
        await HeldCalls(limiter).run(*[None] * 150)
    calls = HeldCalls(limiter)
    await calls.run(*[None] * 100)

    assert calls.concurrent == 100
    assert limiter.limit <= 150


async def test_a_refusal_halves_the_limit_once_for_all_calls_that_were_under_way() -> None:
    limiter = AdaptiveLimiter()

    await HeldCalls(limiter).run(*[LIMITED] * FIRST_LIMIT)
    assert limiter.limit == FIRST_LIMIT // 2

    for _ in range(10):
        await HeldCalls(limiter).run(LIMITED)
    assert limiter.limit == 1, "the limit never reaches 0"


async def test_a_round_of_successes_adds_a_slot_while_others_wait() -> None:
    limiter = AdaptiveLimiter()
    await HeldCalls(limiter).run(*[LIMITED] * FIRST_LIMIT)
    halved = limiter.limit

    await HeldCalls(limiter).run(*[None] * (halved * 3))
    assert halved < limiter.limit <= halved + 3

    reached = limiter.limit
    for _ in range(100):
        await HeldCalls(limiter).run(None)
    assert limiter.limit == reached, "single calls say nothing about the limit"


async def test_other_failures_leave_the_limit_as_it_is() -> None:
    limiter = AdaptiveLimiter()

    await HeldCalls(limiter).run(*[RetryLater("model_unavailable", "down")] * FIRST_LIMIT)

    assert limiter.limit == FIRST_LIMIT


async def test_a_retry_after_holds_for_all_later_calls() -> None:
    time = Time()
    limiter = AdaptiveLimiter(time, time.sleep)
    await HeldCalls(limiter).run(RetryLater(RATE_LIMITED, "429", 4))

    await HeldCalls(limiter).run(None, None)

    assert time.slept == [4]


async def test_a_long_pause_ends_the_attempt() -> None:
    time = Time()
    limiter = AdaptiveLimiter(time, time.sleep)
    await HeldCalls(limiter).run(RetryLater(RATE_LIMITED, "429", MAX_PAUSE_SECONDS + 20))

    with pytest.raises(RetryLater) as later:
        await HeldCalls(limiter).call()

    assert later.value.code == RATE_LIMITED
    assert later.value.seconds == MAX_PAUSE_SECONDS + 20
    assert time.slept == []


async def test_a_call_without_a_slot_in_time_ends_the_attempt_and_a_cancelled_one_takes_no_slot() -> None:
    limiter = AdaptiveLimiter()
    calls = HeldCalls(limiter)
    holding = [asyncio.create_task(calls.call()) for _ in range(FIRST_LIMIT)]
    await asyncio.sleep(0)

    with pytest.raises(RetryLater, match="no slot"):
        async with limiter.slot(0.01):
            raise AssertionError("no slot is free")
    cancelled = asyncio.create_task(calls.call())
    await asyncio.sleep(0)
    cancelled.cancel()
    calls.released.set()
    await asyncio.gather(*holding)

    later = HeldCalls(limiter)
    await later.run(*[None] * FIRST_LIMIT)
    assert later.concurrent == FIRST_LIMIT, "every slot is free again"
