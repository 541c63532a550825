"""An agent that works in the background: no worker waits for it, and its work survives a kill of the host."""

import shutil
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.end_to_end.test_kill import Servers, running
from tests.services_on_loopback import ROOT

ROOMS = ("activities", "murmuration", "orchestrators", "triggers")
TASK = {"id": "t1", "type": "executor", "agent": "expert", "instruction": "How long does green tea steep?"}
GOAL = {
    "goal": "How long does green tea steep?",
    "plan": [TASK],
    "options": {"revision_limit": 0, "replan_limit": 0},
}


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Run a copy of the product whose expert works in the background."""
    app = tmp_path_factory.mktemp("app")
    for room in ROOMS:
        shutil.copytree(ROOT / room, app / room, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("function_app.py", "host.json"):
        shutil.copy(ROOT / file, app / file)
    expert = app / "murmuration" / "agents" / "expert.md"
    text = expert.read_text(encoding="utf-8")
    expert.write_text(text.replace("tier = ", "background = true\ntier = ", 1), encoding="utf-8")
    with running(tmp_path_factory.mktemp("data"), app) as servers:
        yield servers


@pytest.fixture(autouse=True)
def _no_calls_yet(servers: Servers) -> None:
    servers.call("DELETE", "model", "/control/calls")


def test_a_call_begun_before_a_kill_is_fetched_after_it(servers: Servers) -> None:
    servers.call("POST", "model", "/control/script", {"agent": "expert", "calls": [{"polls": 1}]})
    run = servers.call("POST", "host", "/api/goals", GOAL)["id"]
    wait_for(lambda: calls(servers, "background"))
    servers.kill_host()
    servers.start_host()
    outcome = wait_for(lambda: servers.call("GET", "host", f"/api/goals/{run}")["outcome"])

    assert outcome["status"] == "completed"
    assert "three minutes" in outcome["answer"]
    assert len(calls(servers, "expert")) == 1
    assert calls(servers, "background")[-1]["status"] == "completed"
    assert "expert" in outcome["prompts"]


def test_a_call_whose_task_times_out_is_cancelled(servers: Servers) -> None:
    task = {**TASK, "timeout_seconds": 5, "on_failure": "fallback", "fallback": {"answer": "no idea"}}
    servers.call("POST", "model", "/control/script", {"agent": "expert", "calls": [{"polls": 10_000}]})
    outcome = servers.call("POST", "host", "/api/goals?wait=60", {**GOAL, "plan": [task]})

    assert outcome["tasks"][0]["reason"].startswith("a fixed answer instead: task_timeout")
    assert "fallback_answer" in outcome["degraded"]
    assert calls(servers, "background")[-1]["status"] == "cancelled"


def calls(servers: Servers, agent: str) -> list[dict[str, Any]]:
    """Return the calls of an agent that the model service has received."""
    received: list[dict[str, Any]] = servers.call("GET", "model", "/control/calls")["calls"]
    return [call for call in received if call["agent"] == agent]


def wait_for(condition: Callable[[], Any]) -> Any:
    """Wait until the condition holds, and return its value."""
    deadline = time.monotonic() + 120
    while not (value := condition()):
        assert time.monotonic() < deadline, "never happened"
        time.sleep(0.05)
    return value
