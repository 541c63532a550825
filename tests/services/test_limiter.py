"""How many calls are made at once follows what the other side bears."""

import asyncio

import pytest

from murmuration.services.errors import RATE_LIMITED, RetryLater
from murmuration.services.model.limiter import FIRST_LIMIT, MAX_PAUSE_SECONDS, AdaptiveLimiter

pytestmark = pytest.mark.anyio
LIMITED = RetryLater(RATE_LIMITED, "429")


class Time:
    """Passes when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


class Gate:
    """Calls that go on when they are let, and how many there were at once before."""

    def __init__(self, limiter: AdaptiveLimiter) -> None:
        self.limiter = limiter
        self.open = asyncio.Event()
        self.under_way = self.before = 0

    async def call(self, problem: Exception | None = None) -> None:
        async with self.limiter.place(5):
            self.under_way += 1
            try:
                await self.open.wait()
                if problem is not None:
                    raise problem
            finally:
                self.under_way -= 1

    async def run(self, *problems: Exception | None) -> None:
        """So many calls at once, to their ends."""
        calls = [asyncio.create_task(self.call(problem)) for problem in problems]
        for _ in range(5):
            await asyncio.sleep(0)
        self.before = self.under_way
        self.open.set()
        await asyncio.gather(*calls, return_exceptions=True)


async def test_no_more_calls_than_the_limit_are_under_way() -> None:
    gate = Gate(AdaptiveLimiter())

    await gate.run(*[None] * 50)

    assert gate.before == FIRST_LIMIT


async def test_who_is_never_refused_is_soon_asked_by_all_and_no_more_than_that() -> None:
    limiter = AdaptiveLimiter()

    for _ in range(3):
        await Gate(limiter).run(*[None] * 150)
    gate = Gate(limiter)
    await gate.run(*[None] * 100)

    assert gate.before == 100
    assert limiter.limit <= 150


async def test_a_refusal_halves_the_limit_once_for_all_calls_that_were_under_way() -> None:
    limiter = AdaptiveLimiter()

    await Gate(limiter).run(*[LIMITED] * FIRST_LIMIT)
    assert limiter.limit == FIRST_LIMIT // 2

    for _ in range(10):
        await Gate(limiter).run(LIMITED)
    assert limiter.limit == 1, "and it never ends"


async def test_a_round_of_successes_makes_room_for_one_more_when_others_wait() -> None:
    limiter = AdaptiveLimiter()
    await Gate(limiter).run(*[LIMITED] * FIRST_LIMIT)
    now = limiter.limit

    await Gate(limiter).run(*[None] * (now * 3))
    assert now < limiter.limit <= now + 3

    reached = limiter.limit
    for _ in range(100):
        await Gate(limiter).run(None)
    assert limiter.limit == reached, "one at a time learns nothing of the limit"


async def test_other_failures_say_nothing_of_the_limit() -> None:
    limiter = AdaptiveLimiter()

    await Gate(limiter).run(*[RetryLater("model_unavailable", "down")] * FIRST_LIMIT)

    assert limiter.limit == FIRST_LIMIT


async def test_a_pause_that_was_asked_for_holds_for_all_who_come_after() -> None:
    time = Time()
    limiter = AdaptiveLimiter(time, time.sleep)
    await Gate(limiter).run(RetryLater(RATE_LIMITED, "429", 4))

    await Gate(limiter).run(None, None)

    assert time.slept == [4]


async def test_a_long_pause_is_not_waited_for_in_a_function() -> None:
    time = Time()
    limiter = AdaptiveLimiter(time, time.sleep)
    await Gate(limiter).run(RetryLater(RATE_LIMITED, "429", MAX_PAUSE_SECONDS + 20))

    with pytest.raises(RetryLater) as later:
        await Gate(limiter).call()

    assert later.value.code == RATE_LIMITED
    assert later.value.seconds == MAX_PAUSE_SECONDS + 20
    assert time.slept == []


async def test_who_finds_no_place_in_time_comes_back_later_and_who_goes_away_takes_none() -> None:
    limiter = AdaptiveLimiter()
    gate = Gate(limiter)
    holding = [asyncio.create_task(gate.call()) for _ in range(FIRST_LIMIT)]
    await asyncio.sleep(0)

    with pytest.raises(RetryLater, match="no place"):
        async with limiter.place(0.01):
            raise AssertionError("there is none")
    gone = asyncio.create_task(gate.call())
    await asyncio.sleep(0)
    gone.cancel()
    gate.open.set()
    await asyncio.gather(*holding)

    again = Gate(limiter)
    await again.run(*[None] * FIRST_LIMIT)
    assert again.before == FIRST_LIMIT, "every place is free again"
