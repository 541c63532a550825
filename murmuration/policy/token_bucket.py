"""A token bucket, kept as one time: when it is full again. It is the virtual scheduling of GCRA (ITU-T I.371).

A take that was let pass on an old reading makes a debt: nobody passes until time has paid it.
"""

from datetime import datetime, timedelta

from murmuration.contracts.admission import Bucket, Rate


def interval(rate: Rate) -> timedelta:
    """In which one token comes, to the microsecond."""
    return timedelta(seconds=60 / rate.per_minute)


def take(bucket: Bucket | None, rate: Rate, at: datetime) -> Bucket:
    """With one token less; None is a full one. Late and disordered takes count as much as any."""
    full_at = at if bucket is None else max(bucket.full_at, at)
    return Bucket(full_at=full_at + interval(rate))


def wait_for_token(bucket: Bucket | None, rate: Rate, at: datetime) -> timedelta:
    """How long until there is a token; nothing when there is one."""
    emptied_until = take(bucket, rate, at).full_at - rate.burst * interval(rate)
    return max(emptied_until - at, timedelta())


def emptier(one: Bucket | None, other: Bucket | None) -> Bucket | None:
    """Of two readings of one bucket, each of which may lack takes, the one that lacks fewer."""
    if one is None or other is None:
        return one or other
    return max(one, other, key=lambda bucket: bucket.full_at)
