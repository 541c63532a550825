"""Runs outlive their host; the effects of its settings."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from loopback.functions.clock import MovableClock
from loopback.functions.host import Options, make_app
from loopback.functions.testing import DurableHost, run_host
from loopback.serving import listen
from tests.functions.polling import eventually
from tests.functions.semantics import (
    BASE,
    EXECUTION_STARTED,
    SEMANTICS,
    TASK_FAILED,
    TIMER_CREATED,
    copied,
    events,
    run,
    scheduled,
)


def test_everything_goes_on_after_the_host_has_stopped(tmp_path: Path) -> None:
    sub = {"kind": "sub", "name": "waits", "id": "c"}
    tasks = [{"kind": "event", "name": "A"}, {"kind": "timer", "seconds": 3600}, sub]
    with run_host(SEMANTICS, tmp_path) as host:
        instance = host.start("in_order", {"tasks": tasks})
        eventually(lambda: events(host, instance, EXECUTION_STARTED) != [])
    with run_host(SEMANTICS, tmp_path) as host:
        host.raise_event(instance, "A", 1)
        eventually(lambda: len(scheduled(host, instance)) == 1)
        host.advance(timedelta(hours=1))
        eventually(lambda: _exists(host, "c"))
        host.wait_for_custom_status("c", "waiting")
        assert len(scheduled(host, instance)) == 2
    with run_host(SEMANTICS, tmp_path) as host:
        host.raise_event("c", "Go", "went")
        assert host.wait(instance)["output"] == [1, None, "went"]


async def test_a_host_stops_while_it_looks_at_its_timers(tmp_path: Path) -> None:
    others, clock = asyncio.all_tasks(), MovableClock()
    runner, _ = await listen(await make_app(SEMANTICS, Options(tmp_path, clock=clock)), 0)

    async def tick() -> None:
        while True:
            clock.advance(timedelta(microseconds=1))
            await asyncio.sleep(0)

    ticking = asyncio.create_task(tick())
    stopping = asyncio.create_task(runner.cleanup())
    _, late = await asyncio.wait([stopping], timeout=1)
    ticking.cancel()
    await asyncio.sleep(0.05)
    for task in asyncio.all_tasks() - others:
        task.cancel()
    await asyncio.sleep(0.05)

    assert not late


def test_a_suspended_run_stays_suspended(tmp_path: Path) -> None:
    with run_host(SEMANTICS, tmp_path) as host:
        instance = host.start("waits")
        host.wait_for_custom_status(instance, "waiting")
        host.control(instance, "suspend")
        host.wait(instance, until="Suspended")
    with run_host(SEMANTICS, tmp_path) as host:
        host.raise_event(instance, "Go", 1)
        eventually(lambda: events(host, instance, 15) != [])
        status = host.status(instance)
        assert (status["runtimeStatus"], status["customStatus"]) == ("Suspended", "waiting")
        host.control(instance, "resume")
        assert host.wait(instance)["output"] == 1


def test_a_timer_that_was_due_while_no_host_ran_fires_at_the_next_start(tmp_path: Path) -> None:
    with run_host(SEMANTICS, tmp_path) as host:
        instance = host.start("sleeps", {"seconds": 0.3})
        eventually(lambda: events(host, instance, TIMER_CREATED) != [])
    with run_host(SEMANTICS, tmp_path) as host:
        assert host.wait(instance)["output"] >= 0.3


def test_a_failed_run_can_be_rewound_by_the_next_host(tmp_path: Path) -> None:
    value = {"path": str(tmp_path / "log"), "fails": 1}
    with run_host(SEMANTICS, tmp_path / "data") as host:
        instance = str(run(host, "calls", {"name": "counted", "input": value})["instanceId"])
        assert len(events(host, instance, TASK_FAILED)) == 1
    with run_host(SEMANTICS, tmp_path / "data") as host:
        assert host.control(instance, "rewind") == 202
        assert host.wait(instance)["output"] == "attempt 2"


def test_links_name_the_task_hub(tmp_path: Path) -> None:
    durable = {"hubName": "MyHub"}
    app = copied(tmp_path, host_json=json.dumps({"version": "2.0", "extensions": {"durableTask": durable}}))
    with run_host(app, tmp_path / "data") as host:
        links = host.call("POST", f"{BASE}/orchestrators/gets", {}).json

    assert all("taskHub=MyHub" in url for name, url in links.items() if name != "id")


def test_webhooks_need_their_key_and_links_carry_it(tmp_path: Path) -> None:
    with run_host(SEMANTICS, tmp_path, auth=True) as host:
        assert host.call("GET", f"{BASE}/instances").status == 401
        assert host.call("GET", f"{BASE}/entities").status == 401
        assert host.call("POST", f"{BASE}/orchestrators/gets", {}).status == 401
        arguments = {"orchestration_function_name": "waits", "instance_id": "locked"}
        assert host.call("POST", "/api/client/start_new", arguments).json == {"result": "locked"}
        links = host.call("POST", "/api/client/create_http_management_payload", {"instance_id": "locked"}).json[
            "result"
        ]
        parts = {name: urlsplit(url) for name, url in links.items() if name != "id"}
        paths = {name: f"{part.path}?{part.query}" for name, part in parts.items()}
        assert host.call("GET", paths["statusQueryGetUri"]).status == 202
        assert host.call("GET", parts["statusQueryGetUri"].path).status == 401
        eventually(lambda: host.call("GET", paths["statusQueryGetUri"]).json["runtimeStatus"] == "Running")
        assert host.call("POST", paths["terminatePostUri"]).status == 202
        assert host.call("DELETE", paths["purgeHistoryDeleteUri"]).status == 200


def test_the_client_works_in_every_host_of_a_process(tmp_path: Path) -> None:
    # The SDK keeps one session for all clients of a process, and each host has a loop of its own.
    for number in range(3):
        with run_host(SEMANTICS, tmp_path / str(number)) as host:
            answer = host.call("POST", "/api/client/start_new", {"orchestration_function_name": "gets"})
            assert answer.status == 200
            assert host.wait(answer.json["result"])["runtimeStatus"] == "Completed"


def _exists(host: DurableHost, instance: str) -> bool:
    return host.call("GET", f"{BASE}/instances/{instance}").status != 404
