"""A token bucket lets pass what its rate says, whatever the order; and Retry-After keeps its word."""

import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from murmuration.contracts.admission import Bucket, Rate
from murmuration.policy.token_bucket import emptier, interval, take, wait_for_token

START = datetime(2026, 1, 1, tzinfo=UTC)
rates = st.builds(Rate, per_minute=st.integers(1, 100_000).map(float), burst=st.integers(1, 50))
pauses = st.lists(st.timedeltas(timedelta(), timedelta(minutes=3)), max_size=80)


def passed(rate: Rate, gaps: list[timedelta]) -> list[datetime]:
    """When requests passed that came with these gaps between them."""
    bucket: Bucket | None = None
    at, found = START, []
    for gap in gaps:
        at += gap
        if not wait_for_token(bucket, rate, at):
            bucket = take(bucket, rate, at)
            found.append(at)
    return found


@given(rates, pauses)
def test_in_no_stretch_of_time_pass_more_than_the_burst_and_what_came_meanwhile(
    rate: Rate, gaps: list[timedelta]
) -> None:
    found = passed(rate, gaps)

    for first, begin in enumerate(found):
        for last in range(first, len(found)):
            assert last - first + 1 <= rate.burst + (found[last] - begin) / interval(rate)


@given(rates, pauses)
def test_who_comes_when_retry_after_says_passes(rate: Rate, gaps: list[timedelta]) -> None:
    bucket: Bucket | None = None
    at = START
    for gap in gaps:
        at += gap
        wait = wait_for_token(bucket, rate, at)
        told = timedelta(seconds=math.ceil(wait.total_seconds()))
        assert not wait_for_token(bucket, rate, at + told)
        if wait:
            assert wait_for_token(bucket, rate, at + wait - timedelta(microseconds=1)), "not told to wait for nothing"
        else:
            bucket = take(bucket, rate, at)


@given(rates)
def test_a_bucket_left_alone_is_full_again(rate: Rate) -> None:
    emptied = passed(rate, [timedelta()] * (rate.burst + 5))
    assert len(emptied) == rate.burst

    again = passed(rate, [*[timedelta()] * rate.burst, rate.burst * interval(rate), *[timedelta()] * rate.burst])

    assert len(again) == 2 * rate.burst


@given(rates, st.permutations(range(6)))
def test_takes_that_arrive_in_another_order_leave_no_fuller_bucket(rate: Rate, order: list[int]) -> None:
    times = [START + each * interval(rate) / 2 for each in range(6)]
    in_time: Bucket | None = None
    disordered: Bucket | None = None
    for number, other in enumerate(order):
        in_time = take(in_time, rate, times[number])
        disordered = take(disordered, rate, times[other])

    assert emptier(in_time, disordered) == disordered


@pytest.mark.parametrize("doors", [1, 3])
def test_doors_that_never_hear_of_each_other_pass_a_burst_each_and_pay_for_it(doors: int) -> None:
    rate = Rate(per_minute=60, burst=5)
    shared: Bucket | None = None
    for _ in range(doors):
        own: Bucket | None = None
        while not wait_for_token(own, rate, START):
            own = take(own, rate, START)
            shared = take(shared, rate, START)

    assert wait_for_token(shared, rate, START) == timedelta(seconds=1 + (doors - 1) * rate.burst)


def test_of_two_readings_the_one_with_more_takes_counts() -> None:
    less, more = Bucket(full_at=START), Bucket(full_at=START + timedelta(seconds=1))

    assert emptier(less, more) == emptier(more, less) == more
    assert emptier(None, less) == emptier(less, None) == less
    assert emptier(None, None) is None
