"""The two entities of admission, one of each for a tenant: `token_bucket` and `active_runs`.

Operations of an entity are performed one after the other, which makes them exact. Each is pure: state and input in,
state and answer out; the time comes with the input. An operation that is delivered twice does no harm: a request
counts twice, a run has its slot already, or has released it already.
"""

from typing import Any

from murmuration.contracts.admission import Acquire, ActiveRuns, Admission, Bucket, Release, Take
from murmuration.durable.entities import EntityContext, perform
from murmuration.durable.registry import entity
from murmuration.policy.active_runs import acquire, release
from murmuration.policy.token_bucket import take


@entity
def token_bucket(context: EntityContext) -> None:
    """`take` (a `Take`) takes a token, whether there is one or not: the HTTP API has let the request pass."""
    perform(context, {"take": _take})


@entity
def active_runs(context: EntityContext) -> None:
    """`acquire` (an `Acquire`) and `release` (a `Release`); both answer an `Admission`."""
    perform(context, {"acquire": _acquire, "release": _release})


def _take(state: Any, value: Any) -> tuple[Bucket, None]:
    request = Take.model_validate(value)
    bucket = None if state is None else Bucket.model_validate(state)
    return take(bucket, request.rate, request.at), None


def _acquire(state: Any, value: Any) -> tuple[ActiveRuns, Admission]:
    return acquire(ActiveRuns.model_validate(state or {}), Acquire.model_validate(value))


def _release(state: Any, value: Any) -> tuple[ActiveRuns, Admission]:
    return release(ActiveRuns.model_validate(state or {}), Release.model_validate(value))
