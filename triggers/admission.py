"""The rate limit of requests: 429 with Retry-After when a tenant's token bucket is empty."""

import math
from datetime import UTC, datetime
from functools import cache

import azure.durable_functions as df

from murmuration.contracts.admission import Bucket, Take
from murmuration.http.problems import HttpProblem
from murmuration.http.runs import as_json
from murmuration.policy.tenancy import tenant_key
from murmuration.policy.token_bucket import emptier, take, wait_for_token
from murmuration.services.current import current_settings

ENTITY = "token_bucket"


async def admit(client: df.DurableOrchestrationClient) -> None:
    """Take a token of the tenant's bucket; raises `HttpProblem` 429 when there is none.

    The bucket is an entity: its state is read, and the token taken by a signal, which may be late. So each process also
    counts the requests that it has admitted itself. Nothing is awaited between the decision and the count, so a single
    process is exact.
    """
    settings = current_settings(search=True)
    rate = settings.rate
    if rate is None:
        return
    key = tenant_key(settings.tenant)
    entity = df.EntityId(ENTITY, key)
    read = await client.read_entity_state(entity)
    shared = Bucket.model_validate(as_json(read.entity_state)) if read.entity_exists else None
    at = datetime.now(UTC)
    bucket = emptier(_own().get(key), shared)
    wait = math.ceil(wait_for_token(bucket, rate, at).total_seconds())
    if wait:
        detail = f"at most {rate.per_minute:g} requests a minute are taken, {rate.burst} at once: try again in {wait} s"
        raise HttpProblem(429, "Too many requests", detail, headers={"Retry-After": str(wait)})
    _own()[key] = take(bucket, rate, at)
    await client.signal_entity(entity, "take", Take(rate=rate, at=at).model_dump(mode="json"))


@cache
def _own() -> dict[str, Bucket]:
    """The buckets of this process, by tenant key."""
    return {}
