"""Every example app runs unmodified on this host, over HTTP as in its README."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from loopback.functions.pytest_plugin import StartHost
from loopback.functions.testing import DurableHost
from tests.functions.polling import eventually

APPS = Path(__file__).resolve().parents[2] / "examples"


def start(host: DurableHost, app: str, body: Any) -> str:
    answer = host.call("POST", f"/api/{app}", body)
    assert answer.status == 202, answer.content
    assert answer.headers["Location"] == answer.json["statusQueryGetUri"]
    return str(answer.json["id"])


def output(host: DurableHost, app: str, body: Any) -> Any:
    ended = host.wait(start(host, app, body))
    assert ended["runtimeStatus"] == "Completed", ended
    return ended["output"]


def test_every_app_has_a_test() -> None:
    tested = {name.removeprefix("test_app_") for name in globals() if name.startswith("test_app_")}

    assert tested == {folder.name for folder in APPS.iterdir() if folder.is_dir()}


@pytest.mark.parametrize("app", sorted(folder.name for folder in APPS.iterdir() if folder.is_dir()))
def test_every_app_can_be_deployed_as_it_is(app: str) -> None:
    files = {path.name for path in (APPS / app).iterdir() if path.is_file()}
    code = (APPS / app / "function_app.py").read_text(encoding="utf-8")

    assert files == {"function_app.py", "host.json", "requirements.txt", "README.md"}
    assert "loopback" not in code


def test_app_chaining(durable_host: StartHost) -> None:
    host = durable_host(APPS / "chaining")

    summary = output(host, "chaining", {"text": "The cat, the dog and THE bird!"})
    assert summary == '7 words, 5 different; the most frequent is "the" (3).'
    refused = host.call("POST", "/api/chaining", {"text": 7})
    assert (refused.status, b'"text"' in refused.content, b"7" in refused.content) == (400, True, True)


def test_app_fan_out_fan_in(durable_host: StartHost) -> None:
    host = durable_host(APPS / "fan_out_fan_in")

    assert output(host, "fan_out_fan_in", {"texts": ["A rose is a rose.", "Is it a rose?"], "top": 2}) == {
        "texts": 2,
        "words": 9,
        "different": 4,
        "top": [{"word": "a", "count": 3}, {"word": "rose", "count": 3}],
    }


def test_app_monitor(durable_host: StartHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MONITOR_FOLDER", str(tmp_path / "jobs"))
    host = durable_host(APPS / "monitor")

    run = start(host, "monitor", {"job": "first", "first_pause_seconds": 60, "deadline_seconds": 3600})
    eventually(lambda: (host.status(run)["customStatus"] or {}).get("checks") == 1)
    assert host.call("POST", "/api/jobs/first/finish").status == 204
    host.advance(timedelta(minutes=2))
    assert host.wait(run)["output"] == {"job": "first", "state": "finished", "checks": 2}

    run = start(host, "monitor", {"job": "second", "first_pause_seconds": 60, "deadline_seconds": 3600})
    eventually(lambda: (host.status(run)["customStatus"] or {}).get("checks") == 1)
    host.advance(timedelta(hours=2))
    assert host.wait(run)["output"]["state"] == "gave_up"


def test_app_human_interaction(durable_host: StartHost) -> None:
    host = durable_host(APPS / "human_interaction")
    waiting = {"waiting_for": "Approval", "reminded": False}

    run = start(host, "human_interaction", {"request": "a trip"})
    host.wait_for_custom_status(run, waiting)
    host.advance(timedelta(days=1, hours=13))
    host.wait_for_custom_status(run, {**waiting, "reminded": True})
    host.advance(timedelta(days=1, hours=13))
    assert host.wait(run)["output"] == {"request": "a trip", "outcome": "expired", "by": None, "reminded": True}

    run = start(host, "human_interaction", {"request": "a desk"})
    host.wait_for_custom_status(run, waiting)
    assert host.call("POST", f"/api/approvals/{run}", {"approved": True, "by": "ada"}).status == 202
    assert host.wait(run)["output"]["outcome"] == "approved"
    assert host.call("POST", f"/api/approvals/{run}", {"approved": False, "by": "bob"}).status == 409

    run = start(host, "human_interaction", {"request": "a boat"})
    assert host.raise_event(run, "Approval", {"approved": False, "by": "bob"}) == 202
    assert host.wait(run)["output"]["outcome"] == "rejected"


def test_app_stateful_entity(durable_host: StartHost) -> None:
    host = durable_host(APPS / "stateful_entity")
    assert host.call("GET", "/api/accounts/ada").status == 404
    assert host.call("POST", "/api/accounts/ada/deposit", {"amount": 100}).status == 202
    eventually(lambda: host.call("GET", "/api/accounts/ada").status == 200)

    transfer = {"from": "ada", "to": "bob", "amount": 30}
    assert output(host, "stateful_entity", transfer) == {"state": "done", "balances": {"ada": 70, "bob": 30}}
    refused = output(host, "stateful_entity", {**transfer, "amount": 500})
    assert refused == {"state": "refused", "reason": "ada has 70, which is less than 500"}
    assert host.call("GET", "/api/accounts/bob").json == {"account": "bob", "balance": 30}


def test_app_sub_orchestrations(durable_host: StartHost) -> None:
    host = durable_host(APPS / "sub_orchestrations")
    lines = [
        {"article": "apples", "quantity": 3},
        {"article": "bread", "quantity": 1, "arrives_in_seconds": 0.3},
        {"article": "honey", "quantity": 5},
        {"article": "saffron", "quantity": 1},
    ]

    order = output(host, "sub_orchestrations", {"order": "A-17", "lines": lines, "retry_seconds": 0.4})

    assert (order["state"], order["total_cents"]) == ("partial", 440)
    assert [line["state"] for line in order["lines"]] == ["reserved", "reserved", "failed", "refused"]
    assert order["lines"][2]["reason"].rstrip().endswith("5 honey are wanted, 2 are there")


def test_app_eternal_loop(durable_host: StartHost) -> None:
    host = durable_host(APPS / "eternal_loop")
    run = start(host, "eternal_loop", {"period_seconds": 3600})

    for readings, last in ((1, 15), (2, 22), (3, 18), (4, 25)):
        host.wait_for_custom_status(run, {"readings": readings, "last": last})
        if readings < 4:
            host.advance(timedelta(hours=1, minutes=1))
    assert host.raise_event(run, "Stop") == 202
    assert host.wait(run)["output"] == {"readings": 4, "mean": 20.0, "lowest": 15, "highest": 25}
