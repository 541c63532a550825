"""Functions that never end, or that exit: they fail, and the host and all others go on."""

import os
import time
from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path

import pytest

from tests.functions.commands import Running, running

HOST_JSON = '{"version": "2.0", "functionTimeout": "00:00:00.5"}'
CODE = """
import asyncio, sys, time
import azure.durable_functions as df
import azure.functions as func

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)

@app.activity_trigger(input_name="value")
async def endless(value: str) -> None:
    await asyncio.sleep(3600)

@app.activity_trigger(input_name="value")
def endless_in_thread(value: str) -> None:
    time.sleep(3600)

@app.activity_trigger(input_name="value")
async def own_timeout(value: str) -> None:
    raise TimeoutError("its own")

@app.activity_trigger(input_name="value")
def exits(value: str) -> None:
    sys.exit(3)

@app.orchestration_trigger(context_name="context")
def orchestrator_exits(context):
    sys.exit(3)
    yield

@app.route(route="exits")
async def http_exits(req: func.HttpRequest) -> str:
    sys.exit(3)

@app.activity_trigger(input_name="value")
def quick(value: str) -> str:
    return value

@app.orchestration_trigger(context_name="context")
def calls(context):
    return (yield context.call_activity(context.get_input()["name"], "value"))

@app.orchestration_trigger(context_name="context")
def stuck(context):
    while True:
        time.sleep(0.01)
    yield

@app.route(route="endless")
async def http_endless(req: func.HttpRequest) -> str:
    await asyncio.sleep(3600)

@app.route(route="endless_in_thread")
def http_endless_in_thread(req: func.HttpRequest) -> str:
    time.sleep(3600)
"""


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("endless")
    (folder / "host.json").write_text(HOST_JSON, encoding="utf-8")
    (folder / "function_app.py").write_text(CODE, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def process(app: Path) -> Iterator[Running]:
    with running(app, app / "data", settings={"PYTHON_THREADPOOL_THREAD_COUNT": "2"}) as process:
        yield process


def test_activities_that_never_end_fail_while_others_go_on(process: Running) -> None:
    host = process.host
    runs = {
        name: host.start("calls", {"name": name})
        for name in ("endless", "endless_in_thread", "endless", "endless_in_thread")
    }
    assert host.call("GET", "/admin/host/status").status == 200
    for name, run in runs.items():
        ended = host.wait(run, seconds=5)
        assert ended["runtimeStatus"] == "Failed"
        assert f"Timeout value of 0:00:00.500000 exceeded by function: {name}" in ended["output"]

    assert host.wait(host.start("calls", {"name": "quick"}))["output"] == "value", (
        "the threads that they block are replaced"
    )


def test_a_timeout_error_of_the_activity_is_not_the_hosts(process: Running) -> None:
    ended = process.host.wait(process.host.start("calls", {"name": "own_timeout"}))

    assert "TimeoutError: its own" in ended["output"]
    assert "Timeout value" not in ended["output"]


@pytest.mark.parametrize("route", ["endless", "endless_in_thread"])
def test_a_request_that_never_ends_fails(process: Running, route: str) -> None:
    answer = process.host.call("GET", f"/api/{route}")

    assert (answer.status, answer.content) == (500, b"")
    assert f"exceeded by function: http_{route}" in process.text


def test_an_orchestrator_that_never_yields_does_not_stop_others(app: Path) -> None:
    with running(app, app / "stuck") as process:
        host = process.host
        host.start("stuck")
        assert host.wait(host.start("calls", {"name": "quick"}))["output"] == "value"
        if os.name != "nt":
            began = time.monotonic()
            assert process.interrupt() == 0
            assert time.monotonic() - began < 5


def test_many_orchestrators_that_never_yield_do_not_stop_others(app: Path) -> None:
    with running(app, app / "many") as process:
        host = process.host
        for _ in range(5):
            host.start("stuck")
        assert host.wait(host.start("calls", {"name": "quick"}), seconds=1)["output"] == "value"


@pytest.mark.skipif(os.name == "nt", reason="no SIGINT to a child on Windows")
def test_a_host_stops_soon_with_functions_that_never_end(app: Path) -> None:
    with running(app, app / "soon") as process:
        for name in ("endless", "endless_in_thread"):
            process.host.start("calls", {"name": name})
        process.host.wait(process.host.start("calls", {"name": "quick"}))
        began = time.monotonic()
        assert process.interrupt() == 0
        assert time.monotonic() - began < 5


@pytest.mark.parametrize("kind", ["activity", "orchestrator", "http"])
def test_a_function_that_exits_does_not_end_the_host(app: Path, kind: str) -> None:
    with running(app, app / f"{kind}-exits") as process:
        host = process.host
        try:
            if kind == "http":
                assert host.call("GET", "/api/exits").status == 500
            else:
                run = host.start("orchestrator_exits" if kind == "orchestrator" else "calls", {"name": "exits"})
                assert host.wait(run, seconds=3)["runtimeStatus"] == "Failed"
            assert host.call("GET", "/admin/host/status").status == 200
        except (OSError, HTTPException) as error:
            pytest.fail(f"the host is gone: {error!r}")
