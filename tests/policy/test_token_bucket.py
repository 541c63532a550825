"""A token bucket passes no more than its rate, whatever the order of requests; and Retry-After keeps its word."""

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
    """The times of the requests that passed, of those that came with these gaps between them."""
    bucket: Bucket | None = None
    at, times = START, []
    for gap in gaps:
        at += gap
        if not wait_for_token(bucket, rate, at):
            bucket = take(bucket, rate, at)
            times.append(at)
    return times


@given(rates, pauses)
def test_no_stretch_of_time_passes_more_than_the_burst_and_the_tokens_that_came_meanwhile(
    rate: Rate, gaps: list[timedelta]
) -> None:
    times = passed(rate, gaps)

    for first, begin in enumerate(times):
        for last in range(first, len(times)):
            assert last - first + 1 <= rate.burst + (times[last] - begin) / interval(rate)


@given(rates, pauses)
def test_a_request_that_waits_for_retry_after_passes(rate: Rate, gaps: list[timedelta]) -> None:
    bucket: Bucket | None = None
    at = START
    for gap in gaps:
        at += gap
        wait = wait_for_token(bucket, rate, at)
        retry_after = timedelta(seconds=math.ceil(wait.total_seconds()))
        assert not wait_for_token(bucket, rate, at + retry_after)
        if wait:
            assert wait_for_token(bucket, rate, at + wait - timedelta(microseconds=1)), "no wait is longer than needed"
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
    times = [START + number * interval(rate) / 2 for number in range(6)]
    in_time: Bucket | None = None
    disordered: Bucket | None = None
    for number, other in enumerate(order):
        in_time = take(in_time, rate, times[number])
        disordered = take(disordered, rate, times[other])

    assert emptier(in_time, disordered) == disordered


@pytest.mark.parametrize("instances", [1, 3])
def test_instances_that_share_no_state_pass_a_burst_each_and_pay_for_it(instances: int) -> None:
    rate = Rate(per_minute=60, burst=5)
    shared: Bucket | None = None
    for _ in range(instances):
        own: Bucket | None = None
        while not wait_for_token(own, rate, START):
            own = take(own, rate, START)
            shared = take(shared, rate, START)

    assert wait_for_token(shared, rate, START) == timedelta(seconds=1 + (instances - 1) * rate.burst)


def test_the_reading_with_more_takes_counts() -> None:
    less, more = Bucket(full_at=START), Bucket(full_at=START + timedelta(seconds=1))

    assert emptier(less, more) == emptier(more, less) == more
    assert emptier(None, less) == emptier(less, None) == less
    assert emptier(None, None) is None
