"""Agents of other frameworks run as workflows, and survive a kill of the host in each of their calls."""

import time
from collections import Counter
from pathlib import Path

import pytest

from benchmarks.host_process import HostProcess
from loopback.functions.clock import MovableClock
from loopback.functions.testing import DurableHost

for framework in ("pydantic_ai", "agents", "langgraph"):
    pytest.importorskip(framework, reason=f"needs {framework}: pip install -r requirements-guests.txt")

APP = Path(__file__).parent / "app"
SECONDS = 60.0

AGENT = [["model-0"], ["tool-Oslo", "tool-Rome", "tool-Lima"], ["model-3"], ["tool-Bern"], ["model-4"]]
GRAPH = [["plan"], ["measure-Bern", "measure-Lima", "measure-Oslo", "measure-Rome"], ["conclude"]]
"""The calls in their order; those of one list are made at once."""


@pytest.mark.parametrize(
    ("workflow", "waves"), [("pydantic_ai", AGENT), ("openai_agents", AGENT), ("langgraph", GRAPH)]
)
def test_a_guest_survives_kills_and_every_recorded_call_was_done_once(
    workflow: str, waves: list[list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GUESTS_FOLDER", str(tmp_path))
    holds = [tmp_path / f"hold-{wave[len(wave) // 2]}" for wave in waves]
    calls: Counter[str] = Counter(call for wave in waves for call in wave)
    for hold in holds:
        hold.touch()
    recorded = 0
    monkeypatch.setenv("PYTHONHASHSEED", "0")
    with HostProcess(str(APP), tmp_path / "data") as process:
        host = DurableHost(process.url, MovableClock())
        run = host.start(workflow, {"text": "Which city is the hottest?"})
        for seed, (wave, hold) in enumerate(zip(waves, holds, strict=True), start=1):
            _wait_until_recorded(host, run, recorded + len(wave) - 1)
            _wait_until_begun(tmp_path, hold)
            process.kill()
            hold.unlink()
            monkeypatch.setenv("PYTHONHASHSEED", str(seed))
            process.start()
            recorded += len(wave)
        result = host.wait(run, seconds=SECONDS)
        _wait_until_recorded(host, run, calls.total())

    assert "Traceback" not in (tmp_path / "data.log").read_text(encoding="utf-8")  # as of coroutines that are dropped
    assert result["runtimeStatus"] == "Completed", result["output"]
    assert result["output"] == {
        "hottest": "Rome",
        "temperatures": {"Bern": 12.0, "Lima": 19.0, "Oslo": 4.0, "Rome": 31.0},
    }
    assert _lines(tmp_path / "done") == calls
    killed = Counter(hold.name.removeprefix("hold-") for hold in holds)
    assert _lines(tmp_path / "began") == calls + killed


def _wait_until_recorded(host: DurableHost, run: str, count: int) -> None:
    """Wait until the history holds the results of `count` calls; no call is recorded twice."""
    deadline = time.monotonic() + SECONDS
    completed = -1
    while completed != count:
        assert time.monotonic() < deadline, f"{completed} calls are recorded, not {count}"
        time.sleep(0.02)
        completed = sum(event["EventType"] == "TaskCompleted" for event in host.status(run)["historyEvents"])


def _wait_until_begun(folder: Path, hold: Path) -> None:
    deadline = time.monotonic() + SECONDS
    while not _lines(folder / "began")[hold.name.removeprefix("hold-")]:
        assert time.monotonic() < deadline, f"{hold.name} has not begun"
        time.sleep(0.02)


def _lines(path: Path) -> Counter[str]:
    return Counter(path.read_text(encoding="utf-8").splitlines() if path.exists() else [])
