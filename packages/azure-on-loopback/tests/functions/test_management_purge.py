"""Purging over the management API."""

from datetime import timedelta
from typing import Any

import pytest

from loopback.functions.testing import DurableHost
from tests.functions.semantics import BASE
from tests.functions.test_management_api import RPC, completed, error_body, failed, terminated, waiting


@pytest.fixture(params=[BASE, RPC], ids=["webhooks", "rpc"])
def base(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize("make", [completed, failed, terminated])
def test_a_purged_run_is_gone(host: DurableHost, base: str, make: Any) -> None:
    instance = make(host)
    answer = host.call("DELETE", f"{base}/instances/{instance}")

    assert (answer.status, answer.json) == (200, {"instancesDeleted": 1})
    assert host.call("GET", f"{base}/instances/{instance}").status == 404
    assert host.call("DELETE", f"{base}/instances/{instance}").status == 404


def test_many_are_purged_at_once(host: DurableHost, base: str) -> None:
    host.advance(timedelta(minutes=10))
    first = host.status(completed(host))["createdTime"]
    others = [failed(host), terminated(host)]
    running = waiting(host)

    assert host.call("DELETE", f"{base}/instances?createdTimeFrom={first}&runtimeStatus=Failed").json == {
        "instancesDeleted": 1
    }
    assert host.call("DELETE", f"{base}/instances?createdTimeFrom={first}").json == {"instancesDeleted": 2}
    assert host.call("DELETE", f"{base}/instances?createdTimeFrom={first}").status == 404
    assert [host.call("GET", f"{base}/instances/{instance}").status for instance in (*others, running)] == [
        404,
        404,
        202,
    ]


@pytest.mark.parametrize("query", ["", "?createdTimeTo=2100-01-01T00:00:00Z", "?runtimeStatus=Completed"])
def test_a_purge_of_many_needs_a_start_time(host: DurableHost, base: str, query: str) -> None:
    error_body(host.call("DELETE", f"{base}/instances{query}"), 400)


def test_years_before_1000_are_read_as_the_sdk_writes_them(host: DurableHost) -> None:
    query = "?createdTimeFrom=1-01-01T00:00:00.000000Z&createdTimeTo=1-01-02T00:00:00.000000Z"

    assert host.call("DELETE", f"{BASE}/instances{query}").status == 404
