"""An agent that works in the background: nothing waits for it, and what has been begun outlives the host."""

import shutil
import time
from pathlib import Path
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
def app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The product, whose expert takes minutes."""
    folder = tmp_path_factory.mktemp("app")
    for room in ROOMS:
        shutil.copytree(ROOT / room, folder / room, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("function_app.py", "host.json"):
        shutil.copy(ROOT / file, folder / file)
    expert = folder / "murmuration" / "agents" / "expert.md"
    text = expert.read_text(encoding="utf-8")
    expert.write_text(text.replace("tier = ", "background = true\ntier = ", 1), encoding="utf-8")
    return folder


def test_what_was_begun_before_a_kill_is_fetched_after_it(app: Path, tmp_path: Path) -> None:
    with running(tmp_path, app) as servers:
        servers.call("POST", "model", "/control/script", {"agent": "expert", "calls": [{"polls": 1}]})
        run = servers.call("POST", "host", "/api/goals", GOAL)["id"]
        _until(lambda: _calls(servers, "background"))
        servers.kill_host()
        servers.start_host()
        _until(lambda: servers.call("GET", "host", f"/api/goals/{run}")["outcome"])
        outcome = servers.call("GET", "host", f"/api/goals/{run}")["outcome"]
        begun, fetched = _calls(servers, "expert"), _calls(servers, "background")

    assert outcome["status"] == "completed"
    assert "three minutes" in outcome["answer"]
    assert len(begun) == 1
    assert [each["status"] for each in fetched][-1] == "completed"
    assert outcome["prompts"]["expert"] == "1"


def test_one_that_its_task_gives_up_is_cancelled(app: Path, tmp_path: Path) -> None:
    task = {**TASK, "timeout_seconds": 5, "on_failure": "fallback", "fallback": {"answer": "no idea"}}
    with running(tmp_path, app) as servers:
        servers.call("POST", "model", "/control/script", {"agent": "expert", "calls": [{"polls": 10_000}]})
        outcome = servers.call("POST", "host", "/api/goals?wait=60", {**GOAL, "plan": [task]})
        last = _calls(servers, "background")[-1]

    assert outcome["tasks"][0]["reason"].startswith("a fixed answer instead: task_timeout")
    assert "fallback_answer" in outcome["degraded"]
    assert last["status"] == "cancelled"


def _calls(servers: Servers, agent: str) -> list[dict[str, Any]]:
    seen: list[dict[str, Any]] = servers.call("GET", "model", "/control/calls")["calls"]
    return [each for each in seen if each["agent"] == agent]


def _until(there: Any) -> None:
    deadline = time.monotonic() + 30
    while not there():
        assert time.monotonic() < deadline
        time.sleep(0.05)
