"""Access keys with --auth: each endpoint takes the keys that it takes on Azure."""

import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from loopback.functions.management.addresses import WEBHOOKS
from loopback.functions.testing import DurableHost, run_host
from loopback.serving import CannotStart
from tests.functions.commands import running
from tests.functions.triggers_host import NEVER, TRIGGERS, Notes, settings, triggers_host

EVENT = [{"id": "1", "eventType": "any", "data": {}}]
HANDSHAKE = "/runtime/webhooks/eventgrid?functionName=on_event"
BLOBS = "/runtime/webhooks/blobs?functionName=Host.Functions.on_blob"
FUNCTIONS = ("own", "host", "master")
ALL = ("none", "wrong", "own", "other", "host", "durable", "events", "blobs", "master")
ENDPOINTS: dict[str, tuple[str, str, Any, tuple[str, ...]]] = {
    "anonymous": ("GET", "/api/anyone", None, ALL),
    "function": ("GET", "/api/keyed", None, FUNCTIONS),
    "function of another app's key": ("GET", "/api/keyed_too", None, ("other", "host", "master")),
    "admin": ("GET", "/api/for_admins", None, ("master",)),
    "durable": ("GET", f"{WEBHOOKS}/instances", None, ("durable", "master")),
    "durable start": ("POST", f"{WEBHOOKS}/orchestrators/answers", {}, ("durable", "master")),
    "entities": ("GET", f"{WEBHOOKS}/entities", None, ("durable", "master")),
    "event grid": ("POST", HANDSHAKE, EVENT, ("events", "master")),
    "event grid options": ("OPTIONS", HANDSHAKE, None, ("events", "master")),
    "blobs": ("POST", BLOBS, [], ("blobs", "master")),
    "start by hand": ("POST", "/admin/functions/on_message", {"input": "x"}, ("master",)),
    "poison": ("GET", "/admin/host/poison", None, ("master",)),
}


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[DurableHost, dict[str, str], Notes]]:
    folder = tmp_path_factory.mktemp("keys")
    with triggers_host(folder, auth=True) as (host, notes):
        yield host, keys_in(folder / "data"), notes


def keys_in(data: Path) -> dict[str, str]:
    content = json.loads((data / "keys.json").read_text(encoding="utf-8"))
    return {
        "none": "",
        "wrong": "x" * 43,
        "own": content["functions"]["keyed"]["default"],
        "other": content["functions"]["keyed_too"]["default"],
        "host": content["host"]["default"],
        "durable": content["system"]["durabletask_extension"],
        "events": content["system"]["eventgrid_extension"],
        "blobs": content["system"]["blobs_extension"],
        "master": content["master"],
    }


@pytest.mark.parametrize("in_header", [True, False], ids=["header", "query"])
@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_an_endpoint_takes_its_keys_alone(
    locked: tuple[DurableHost, dict[str, str], Notes], endpoint: str, in_header: bool
) -> None:
    host, keys, _ = locked
    method, path, body, expected = ENDPOINTS[endpoint]
    accepted = []
    for name in ALL:
        code = "" if in_header else f"{'&' if '?' in path else '?'}code={keys[name]}"
        headers = {"x_functions_key": keys[name]} if in_header else {}
        status = host.call(method, path + code, body, **headers).status
        assert status < 300 or status == 401, (name, status)
        if status < 300:
            accepted.append(name)

    assert tuple(accepted) == expected


def test_a_refusal_gives_nothing_away(locked: tuple[DurableHost, dict[str, str], Notes]) -> None:
    host = locked[0]

    assert host.call("GET", "/api/keyed").content == b""
    assert host.call("GET", f"{WEBHOOKS}/instances/nobody").status == 401, "it does not say whether the run exists"
    assert host.call("POST", "/admin/functions/nobody", {}).status == 401
    assert host.call("GET", "/api/keyed", x_functions_key="ключ".encode().decode("latin-1")).status == 401


def test_the_hosts_status_is_for_administrators(locked: tuple[DurableHost, dict[str, str], Notes]) -> None:
    host, keys, _ = locked

    assert host.call("GET", "/admin/host/status", x_functions_key=keys["master"]).status == 200
    assert host.call("GET", "/admin/host/status").status == 401


def test_a_runs_raw_history_is_for_administrators(locked: tuple[DurableHost, dict[str, str], Notes]) -> None:
    host, keys, _ = locked
    answer = host.call("POST", f"{WEBHOOKS}/orchestrators/answers?code={keys['durable']}", {})
    path = f"/admin/instances/{answer.json['id']}/history"

    assert host.call("GET", path).status == 401
    assert host.call("GET", path, x_functions_key=keys["durable"]).status == 401
    assert host.call("GET", path, x_functions_key=keys["master"]).status == 200


def test_the_sdks_client_works_and_its_links_carry_the_key(tmp_path: Path) -> None:
    names = {"NOTES": str(tmp_path / "notes"), "TICK": NEVER, "SLOW": NEVER, "QUEUE": "messages"}
    with running(TRIGGERS, tmp_path / "data", "--auth", settings=names) as started:
        host, durable = started.host, keys_in(tmp_path / "data")["durable"]
        started_run = host.call("GET", "/api/start?q=7").json
        links = {name: link for name, link in started_run["links"].items() if name != "id"}
        status = host.call("GET", links["statusQueryGetUri"].removeprefix(host.url))

    assert (started_run["status"], started_run["output"]) == ("Completed", ["7", '"raised"'])
    for link in links.values():
        assert parse_qs(urlsplit(link).query)["code"] == [durable]
    assert (status.status, status.json["output"]) == (200, ["7", '"raised"'])


def test_links_of_the_management_api_carry_the_key(locked: tuple[DurableHost, dict[str, str], Notes]) -> None:
    host, keys, _ = locked
    links = host.call("POST", f"{WEBHOOKS}/orchestrators/answers?code={keys['durable']}", {}).json

    assert links.pop("id")
    assert {parse_qs(urlsplit(link).query)["code"][0] for link in links.values()} == {keys["durable"]}
    assert host.call("POST", links["terminatePostUri"].removeprefix(host.url).format(text="enough")).status == 202


def test_without_auth_keys_are_ignored_and_none_is_made(tmp_path: Path) -> None:
    with triggers_host(tmp_path) as (host, _):
        for method, path, body, _accepted in ENDPOINTS.values():
            assert host.call(method, path, body, x_functions_key="wrong").status < 300, path
        links = host.call("POST", f"{WEBHOOKS}/orchestrators/answers", {}).json
        assert "code" not in links["statusQueryGetUri"]

    assert not (tmp_path / "data" / "keys.json").exists()


def test_keys_are_kept_and_own_ones_may_be_added(tmp_path: Path) -> None:
    with triggers_host(tmp_path, auth=True):
        before = keys_in(tmp_path / "data")
    path = tmp_path / "data" / "keys.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    content["functions"]["keyed"]["mine"] = "my own key"
    content["host"]["partner"] = "the partner's"
    del content["functions"]["keyed_too"]
    path.write_text(json.dumps(content), encoding="utf-8")

    with triggers_host(tmp_path, auth=True) as (host, _):
        after = keys_in(tmp_path / "data")
        assert {name: after[name] for name in ALL if name != "other"} == {n: before[n] for n in ALL if n != "other"}
        assert after["other"] != before["other"], "a missing key is made anew"
        for key in ("my own key", "the partner's", before["own"]):
            assert host.call("GET", "/api/keyed", x_functions_key=key).status == 200
        assert host.call("GET", "/api/keyed_too", x_functions_key="my own key").status == 401


@pytest.mark.skipif(os.name == "nt", reason="no such modes on Windows")
def test_only_its_owner_can_read_the_key_file(tmp_path: Path) -> None:
    with triggers_host(tmp_path, auth=True):
        mode = (tmp_path / "data" / "keys.json").stat().st_mode

    assert stat.S_IMODE(mode) == 0o600


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        '"key"',
        '{"functions": []}',
        '{"host": "key"}',
        '{"functions": {"keyed": "key"}}',
        '{"functions": {"keyed": {"default": 5}}}',
        '{"host": {"default": null}}',
        '{"master": 5}',
        '{"master": ""}',
        b"\xff\xfe",
    ],
)
def test_a_damaged_key_file_is_named_and_left_alone(tmp_path: Path, content: str | bytes) -> None:
    data = tmp_path / "data"
    data.mkdir()
    damaged = content if isinstance(content, bytes) else content.encode()
    (data / "keys.json").write_bytes(damaged)

    with (
        settings(tmp_path / "notes"),
        pytest.raises(CannotStart, match="key file") as refused,
        run_host(TRIGGERS, data, auth=True),
    ):
        pass

    assert repr(str(data / "keys.json")) in str(refused.value)
    assert (data / "keys.json").read_bytes() == damaged
