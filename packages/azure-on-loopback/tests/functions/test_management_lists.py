"""The management API's lists, filters and entities, and values that it can't use."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from loopback.functions.testing import DurableHost
from tests.functions.polling import eventually
from tests.functions.semantics import BASE

RPC = "/durabletask"
TOKEN = "x-ms-continuation-token"  # noqa: S105 - a header's name
ERROR = {"Message", "ExceptionMessage", "ExceptionType", "StackTrace"}


@pytest.fixture(params=[BASE, RPC], ids=["webhooks", "rpc"])
def base(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def listed(host: DurableHost) -> dict[str, str]:
    """Start runs ten minutes apart; return the second in which each was created."""
    created = {}
    for name, orchestrator in (("l-a", "gets"), ("l-b", "raises"), ("l-c", "gets"), ("l-d", "waits"), ("m-e", "waits")):
        instance = host.start(orchestrator, {"n": name}, name)
        host.wait(instance) if orchestrator != "waits" else host.wait_for_custom_status(instance, "waiting")
        created[name] = str(host.status(instance)["createdTime"])
        host.advance(timedelta(minutes=10))
    host.control("m-e", "suspend")
    host.wait("m-e", until="Suspended")
    ended = host.start("waits", None, "l-f")
    host.control(ended, "terminate")
    return created | {"l-f": str(host.status(ended)["createdTime"])}


def ids(answer: Any) -> list[str]:
    return sorted(row["instanceId"] for row in answer.json if row["instanceId"][:2] in ("l-", "m-"))


def shifted(time: str, **by: int) -> str:
    return f"{datetime.fromisoformat(time) + timedelta(**by):%Y-%m-%dT%H:%M:%SZ}"


@pytest.mark.parametrize("slash", ["", "/"])
def test_all_runs_are_listed_with_their_status(
    host: DurableHost, listed: dict[str, str], base: str, slash: str
) -> None:
    answer = host.call("GET", f"{base}/instances{slash}")

    assert answer.status == 200
    assert ids(answer) == sorted(listed)
    assert {row["instanceId"]: row["createdTime"] for row in answer.json} == listed
    assert next(row for row in answer.json if row["instanceId"] == "l-a")["output"] == {"n": "l-a"}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("instanceIdPrefix=l-", "l-a l-b l-c l-d l-f"),
        ("instanceIdPrefix=L-", ""),
        ("instanceIdPrefix=%25", ""),
        ("instanceIdPrefix=l_", ""),
        ("instanceIdPrefix=", "l-a l-b l-c l-d l-f m-e"),
        ("runtimeStatus=Completed", "l-a l-c"),
        ("runtimeStatus=completed", "l-a l-c"),
        ("runtimeStatus=Failed,Terminated", "l-b l-f"),
        ("runtimeStatus=Failed&runtimeStatus=Terminated", "l-b l-f"),
        ("runtimeStatus=Running", "l-d"),
        ("runtimeStatus=Suspended", "m-e"),
        ("runtimeStatus=Pending", ""),
        ("runtimeStatus=ContinuedAsNew,Canceled", ""),
        ("instanceIdPrefix=l-&runtimeStatus=Completed,Running", "l-a l-c l-d"),
        ("createdTimeFrom={l-c}", "l-c l-d l-f m-e"),
        ("createdTimeTo={l-c+}", "l-a l-b l-c"),
        ("createdTimeFrom={l-b}&createdTimeTo={l-c+}", "l-b l-c"),
        ("createdTimeFrom={l-b}&createdTimeTo={l-c+}&runtimeStatus=Failed", "l-b"),
        ("createdTimeFrom={l-c}&createdTimeTo={l-b}", ""),
        ("createdTimeFrom=1-01-01T00:00:00.000000Z", "l-a l-b l-c l-d l-f m-e"),
        ("createdTimeTo=9999-12-31T23:59:59Z", "l-a l-b l-c l-d l-f m-e"),
        ("createdTimeFrom=&createdTimeTo=", "l-a l-b l-c l-d l-f m-e"),
        ("top=1000", "l-a l-b l-c l-d l-f m-e"),
        ("unknown=1&taskHub=TestHubName&connection=Storage", "l-a l-b l-c l-d l-f m-e"),
    ],
)
def test_lists_are_filtered(host: DurableHost, listed: dict[str, str], base: str, query: str, expected: str) -> None:
    for name, time in listed.items():
        query = query.replace(f"{{{name}}}", time).replace(f"{{{name}+}}", shifted(time, seconds=1))

    assert ids(host.call("GET", f"{base}/instances?{query}")) == expected.split()


def test_an_offset_from_utc_is_taken_into_account(host: DurableHost, listed: dict[str, str]) -> None:
    start = shifted(listed["l-c"], hours=2).replace("Z", "%2B02:00")

    assert ids(host.call("GET", f"{BASE}/instances?createdTimeFrom={start}")) == ["l-c", "l-d", "l-f", "m-e"]


@pytest.mark.parametrize(("query", "visible"), [("", True), ("?showInput=true", True), ("?showInput=false", False)])
def test_lists_show_inputs_by_default(host: DurableHost, listed: dict[str, str], query: str, visible: bool) -> None:
    rows = host.call("GET", f"{BASE}/instances{query}").json

    assert {row["input"] is not None for row in rows if row["instanceId"] == "l-a"} == {visible}


@pytest.mark.parametrize("top", [1, 2, 3, 5, 6, 7])
def test_pages_hold_every_run_once(host: DurableHost, listed: dict[str, str], base: str, top: int) -> None:
    names: list[str] = []
    token = ""
    for _ in range(9):
        answer = host.call(
            "GET", f"{base}/instances?top={top}", **({"x_ms_continuation_token": token} if token else {})
        )
        assert len(answer.json) <= top
        names += ids(answer)
        token = next((value for name, value in answer.headers.items() if name.lower() == TOKEN), "")
        if not token:
            break

    assert not token
    assert sorted(names) == sorted(listed)


# Values that can't be used

BAD = [
    ("GET", "instances?top=0", {}),
    ("GET", "instances?top=-1", {}),
    ("GET", "instances?top=x", {}),
    ("GET", "instances?top=nan", {}),
    ("GET", "instances?runtimeStatus=Odd", {}),
    ("GET", "instances?runtimeStatus=Completed,Odd", {}),
    ("GET", "instances?createdTimeFrom=yesterday", {}),
    ("GET", "instances?createdTimeTo=2026-13-01T00:00:00Z", {}),
    ("GET", "instances?createdTimeTo=-", {}),
    ("GET", "instances", {"x_ms_continuation_token": "{}"}),
    ("GET", "instances", {"x_ms_continuation_token": "äöü"}),
    ("GET", "instances", {"x_ms_continuation_token": "WzFd"}),
    ("DELETE", "instances?createdTimeFrom=yesterday", {}),
    ("DELETE", "instances?createdTimeFrom=2026-01-01&runtimeStatus=Odd", {}),
    ("POST", "orchestrators/gets?timeout=x&pollingInterval=1", {}),
    ("POST", "orchestrators/gets?timeout=-1&pollingInterval=1", {}),
    ("GET", "entities/box?top=x", {}),
    ("GET", "entities/box?lastOperationTimeFrom=x", {}),
    ("POST", "entities/nobody/key?op=get", {}),
    ("GET", "entities/nobody/key", {}),
    ("DELETE", "entities/nobody/key", {}),
]
CRASHES = [
    ("GET", "instances?top=inf", {}),
    ("GET", "instances?top=99999999999999999999", {}),
    ("GET", "entities?top=1e400", {}),
    ("GET", "instances", {"x_ms_continuation_token": "MQ=="}),
    ("POST", "orchestrators/gets?timeout=1&pollingInterval=x", {}),
]


@pytest.mark.parametrize(("method", "path", "headers"), BAD)
def test_a_bad_value_is_refused_with_a_reason(
    host: DurableHost, base: str, method: str, path: str, headers: dict[str, str]
) -> None:
    answer = host.call(method, f"{base}/{path}", **headers)

    assert answer.status == 400, answer
    assert answer.json.keys() == ERROR


@pytest.mark.parametrize(("method", "path", "headers"), CRASHES)
def test_an_odd_value_is_refused_with_a_reason(
    host: DurableHost, base: str, method: str, path: str, headers: dict[str, str]
) -> None:
    assert host.call(method, f"{base}/{path}", **headers).status == 400


def test_a_start_that_is_refused_begins_nothing(host: DurableHost) -> None:
    assert host.call("POST", f"{BASE}/orchestrators/gets/refused?timeout=x&pollingInterval=1").status == 400

    assert host.call("GET", f"{BASE}/instances/refused").status == 404


@pytest.mark.parametrize(
    ("method", "path"), [("PUT", "instances/x"), ("GET", "orchestrators/gets"), ("POST", "instances"), ("GET", "odd")]
)
def test_an_unknown_endpoint_is_an_error_in_json(host: DurableHost, base: str, method: str, path: str) -> None:
    answer = host.call(method, f"{base}/{path}", {})

    assert answer.status in (404, 405)
    assert answer.json.keys() == ERROR


# Entities


def test_an_entity_is_signalled_read_listed_and_deleted(host: DurableHost, base: str) -> None:
    key = base.strip("/").partition("/")[0]
    assert host.call("GET", f"{base}/entities/box/{key}").status == 404

    answer = host.call("POST", f"{base}/entities/BOX/{key}?op=put", "5")
    assert (answer.status, answer.content) == (202, b"")

    eventually(lambda: host.call("GET", f"{base}/entities/box/{key}").status == 200)
    answer = host.call("GET", f"{base}/entities/Box/{key}")
    assert (answer.json, answer.headers["Content-Type"].partition(";")[0]) == ([5], "application/json")
    for path in ("entities", "entities/", "entities/box"):
        row = next(
            row
            for row in host.call("GET", f"{base}/{path}?fetchState=true").json
            if row["entityId"] == {"name": "box", "key": key}
        )
        assert row["state"] == [5]
        assert row["lastOperationTime"].endswith("Z")
    assert host.call("DELETE", f"{base}/entities/box/{key}").status == 202
    eventually(lambda: host.call("GET", f"{base}/entities/box/{key}").status == 404)


def test_entities_are_listed_in_pages(host: DurableHost, base: str) -> None:
    keys = [f"page-{number}" for number in range(5)]
    for key in keys:
        host.signal("box", key, "put", 1)
    eventually(lambda: all(host.entity("box", key) for key in keys))
    listed_keys: list[str] = []
    token = ""
    for _ in range(9):
        answer = host.call("GET", f"{base}/entities/box?top=2", x_ms_continuation_token=token)
        listed_keys += [row["entityId"]["key"] for row in answer.json]
        token = next((value for name, value in answer.headers.items() if name.lower() == TOKEN), "")
        if not token:
            break

    assert [key for key in listed_keys if key in keys] == keys


def test_a_body_that_is_not_json_is_no_operations_input(host: DurableHost, base: str) -> None:
    assert host.call("POST", f"{base}/entities/box/key?op=put", b"{no json").status == 400
