"""Functions that a message, a blob or an event starts: their arguments and their retries."""

import json
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from loopback.functions.testing import DurableHost
from tests.functions.polling import eventually
from tests.functions.triggers_host import Notes, triggers_host

GRID = "/runtime/webhooks/eventgrid?functionName="
BLOBS = "/runtime/webhooks/blobs?functionName=Host.Functions."
Started = tuple[DurableHost, Notes]


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    with triggers_host(tmp_path_factory.mktemp("triggers")) as started:
        yield started


def send(host: DurableHost, function: str, value: Any) -> int:
    return host.call("POST", f"/admin/functions/{function}", {"input": value}).status


def poison(host: DurableHost, text: str) -> list[dict[str, Any]]:
    rows = host.call("GET", "/admin/host/poison").json
    return [row for row in rows if text in json.dumps(row["input"])]


def event(kind: str = "made", **more: Any) -> dict[str, Any]:
    fields = {"id": kind, "topic": "t", "subject": "s", "eventType": kind, "eventTime": "2026-01-01T00:00:00Z"}
    return {**fields, "dataVersion": "1", "data": {"a": 1}, **more}


def test_a_message_has_the_fields_that_it_has_on_azure(started: Started) -> None:
    host, notes = started
    assert send(host, "on_message", "first") == 202
    [note] = notes.wait("on_message", text="first")

    inserted, expires, visible = (datetime.fromisoformat(time) for time in note["times"])
    assert note["tries"] == 1
    assert note["id"]
    assert inserted <= visible < expires
    assert abs(time.time() - inserted.timestamp()) < 60


def test_a_message_in_json_can_be_read_as_such(started: Started) -> None:
    host, notes = started
    assert send(host, "ON_MESSAGE_IN_THREAD", {"a": [1, "ü"]}) == 202
    assert send(host, "on_message_in_thread", '{"b": 2}') == 202

    notes.wait("on_message_in_thread", json={"a": [1, "ü"]})
    notes.wait("on_message_in_thread", json={"b": 2})


def test_a_failed_message_is_tried_again_until_it_succeeds(started: Started) -> None:
    host, notes = started
    send(host, "on_message", "fail 2 times")

    assert [note["tries"] for note in notes.wait("on_message", 3, text="fail 2 times")] == [1, 2, 3]
    send(host, "on_message", "after it")
    notes.wait("on_message", text="after it")
    assert poison(host, "fail 2 times") == []


def test_a_message_that_always_fails_is_kept_as_poison(started: Started) -> None:
    host, notes = started
    send(host, "on_message", "fail 9 times")
    eventually(lambda: poison(host, "fail 9 times"), notes.all)

    assert len(notes.of("on_message", text="fail 9 times")) == 3, "maxDequeueCount of host.json"
    [row] = poison(host, "fail 9 times")
    assert (row["functionName"], row["tries"]) == ("on_message", 3)
    assert row["error"] == "ValueError: fail 9 times: try 3"


def test_messages_are_processed_at_the_same_time(started: Started, tmp_path: Path) -> None:
    host, notes = started
    release = tmp_path / "release"
    for _ in range(3):
        send(host, "on_message", f"wait {release}")
    try:
        assert len(notes.wait("on_message", 3, text=f"wait {release}")) == 3
        send(host, "on_message", "past them")
        notes.wait("on_message", text="past them")
    finally:
        release.touch()
    notes.wait("on_message", 3, at="end")


def test_an_event_in_event_grids_schema_arrives(started: Started) -> None:
    host, notes = started
    assert (
        host.call("POST", f"{GRID}on_event", [event("one"), event("two")], aeg_event_type="Notification").status < 300
    )

    [note] = notes.wait("on_event", kind="one")
    assert (note["form"], note["data"], note["subject"]) == ("EventGridEvent", {"a": 1}, "s")
    notes.wait("on_event", kind="two")


def test_a_cloud_event_arrives(started: Started) -> None:
    host, notes = started
    cloud = {"specversion": "1.0", "id": "c", "source": "/here", "type": "cloudy", "subject": "s", "data": {"b": 2}}
    kind = "application/cloudevents+json; charset=utf-8"
    assert host.call("POST", f"{GRID}on_event", cloud, Content_Type=kind).status < 300
    assert host.call("POST", f"{GRID}on_event", [{**cloud, "type": "batch"}]).status < 300

    [note] = notes.wait("on_event", kind="cloudy")
    assert (note["form"], note["data"], note["id"]) == ("CloudEvent", {"b": 2}, "c")
    notes.wait("on_event", kind="batch")


def test_a_failed_event_ends_as_poison(started: Started) -> None:
    host, _ = started
    host.call("POST", f"{GRID}on_event", [event("bad")])

    eventually(lambda: poison(host, '"bad"'), lambda: host.call("GET", "/admin/host/poison").content)
    assert poison(host, '"bad"')[0]["error"] == "ValueError: a bad event"


@pytest.mark.parametrize("webhook", [f"{GRID}on_event", f"{BLOBS}on_blob"])
def test_a_subscription_is_validated(started: Started, webhook: str) -> None:
    host, _ = started
    events = [event("Microsoft.EventGrid.SubscriptionValidationEvent", data={"validationCode": "512d38b6"})]
    answer = host.call("POST", webhook, events, aeg_event_type="SubscriptionValidation")

    assert (answer.status, answer.json) == (200, {"validationResponse": "512d38b6"})
    assert host.call("POST", webhook, [event()], aeg_event_type="SubscriptionValidation").status == 400
    assert host.call("POST", webhook, [event()], aeg_event_type="Unsubscribe").status == 202


def test_the_origin_that_asks_may_send_cloud_events(started: Started) -> None:
    answer = started[0].call("OPTIONS", f"{GRID}on_event", WebHook_Request_Origin="eventgrid.azure.net")

    assert answer.status == 200
    assert answer.headers["WebHook-Allowed-Origin"] == "eventgrid.azure.net"


@pytest.mark.parametrize("path", ["/runtime/webhooks/EventGrid?functionName=on_event", "/Runtime/Webhooks/Blobs"])
def test_the_paths_of_webhooks_ignore_case(started: Started, path: str) -> None:
    answer = started[0].call("POST", path if "?" in path else f"{path}?functionName=Host.Functions.on_blob", [])

    assert answer.status < 300


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (f"{GRID}nobody", [], 404),
        (f"{GRID}on_message", [], 404),
        (f"{GRID}on_blob", [], 404),
        ("/runtime/webhooks/eventgrid", [], 404),
        (f"{BLOBS}on_event", [], 404),
        (f"{GRID}on_event", b"{", 400),
        (f"{GRID}on_event", b"", 400),
        (f"{GRID}on_event", b"\xff\xfe{}", 400),
        (f"{GRID}on_event", ["text"], 400),
        (f"{GRID}on_event", 5, 400),
        (f"{BLOBS}on_blob", [event(data=None)], 400),
        (f"{BLOBS}on_blob", [event(data="text")], 400),
        ("/admin/functions/nobody", {}, 404),
        ("/admin/functions/on_message", b"{", 400),
        ("/admin/functions/on_message", ["text"], 400),
        ("/admin/functions/on_event", {"input": "no event"}, 400),
        ("/admin/functions/on_event", {"input": "[]"}, 400),
        ("/admin/functions/on_blob", {"input": "samples/a.png"}, 400),
    ],
)
def test_bad_deliveries_are_refused_with_a_reason(started: Started, path: str, body: Any, status: int) -> None:
    answer = started[0].call("POST", path, body)

    assert answer.status == status
    assert answer.json["Message"]


def test_poison_outlives_the_host(tmp_path: Path) -> None:
    with triggers_host(tmp_path) as (host, notes):
        send(host, "on_message", "fail 9 a")
        eventually(lambda: poison(host, "fail 9 a"), notes.all)

    with triggers_host(tmp_path) as (host, notes):
        assert len(poison(host, "fail 9 a")) == 1
        send(host, "on_message", "next")
        notes.wait("on_message", text="next")
        assert len(notes.of("on_message", text="fail 9 a")) == 3, "it is not tried again"
