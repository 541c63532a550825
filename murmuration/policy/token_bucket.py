"""A token bucket, stored as the time at which it is full again: the virtual scheduling of GCRA (ITU-T I.371).

A take that passed on an old reading leaves a debt: nothing passes until time has paid it.
"""

from datetime import datetime, timedelta

from murmuration.contracts.admission import Bucket, Rate


def interval(rate: Rate) -> timedelta:
    """The time in which one token comes, to the microsecond."""
    return timedelta(seconds=60 / rate.per_minute)


def take(bucket: Bucket | None, rate: Rate, at: datetime) -> Bucket:
    """Take one token; a bucket of None is full. Takes count fully, late or out of order."""
    full_at = at if bucket is None else max(bucket.full_at, at)
    return Bucket(full_at=full_at + interval(rate))


def wait_for_token(bucket: Bucket | None, rate: Rate, at: datetime) -> timedelta:
    """Return how long until there is a token; zero when there is one."""
    emptied_until = take(bucket, rate, at).full_at - rate.burst * interval(rate)
    return max(emptied_until - at, timedelta())


def emptier(one: Bucket | None, other: Bucket | None) -> Bucket | None:
    """Choose between two readings of one bucket, each of which may lack takes: the one with fewer tokens."""
    if one is None or other is None:
        return one or other
    return max(one, other, key=lambda bucket: bucket.full_at)
