"""An upgrade in the middle of a run: the run keeps the version it was started with, and the old way with it."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from loopback.functions import protocol as wire
from loopback.functions.replay.recorded import Recorded, differences
from loopback.functions.testing import run_host
from simulation.scripted import simulate
from simulation.virtual_host import VERSION
from tests.histories.corpus import HANDLES, history_path
from tests.histories.versioned import OLD_VERSION, greet

APP = """
import azure.durable_functions as df

app = df.DFApp()


@app.orchestration_trigger(context_name="context")
def greet(context):
    name = yield context.wait_for_external_event("Name")
{way}


@app.activity_trigger(input_name="name")
def hello(name: str) -> str:
    return f"Hello, {{name}}"


@app.activity_trigger(input_name="name")
def good_day(name: str) -> str:
    return f"Good day, {{name}}"
"""
BEFORE = """
    return (yield context.call_activity("hello", name))
"""
AFTER = """
    if context.version == "1.0":
        return (yield context.call_activity("hello", name))
    return (yield context.call_activity("good_day", name))
"""


def deploy(folder: Path, version: str, way: str) -> Path:
    folder.mkdir(exist_ok=True)
    settings = {"version": "2.0", "extensions": {"durableTask": {"defaultVersion": version}}}
    (folder / "host.json").write_text(json.dumps(settings), encoding="utf-8")
    (folder / "function_app.py").write_text(APP.format(way=way), encoding="utf-8")
    return folder


def test_a_run_goes_on_as_the_version_it_was_started_with(tmp_path: Path) -> None:
    with run_host(deploy(tmp_path / "before", "1.0", BEFORE), tmp_path / "data") as host:
        old = host.start("greet")
        host.wait(old, until="Running")
    with run_host(deploy(tmp_path / "after", "1.1", AFTER), tmp_path / "data") as host:
        new = host.start("greet")
        for run in (old, new):
            host.raise_event(run, "Name", "Ann")
        ends = [host.wait(run)["output"] for run in (old, new)]

    assert ends == ["Hello, Ann", "Good day, Ann"]


def polite(name: str, value: Any) -> tuple[float, str]:
    return 1, f"Dr {value}" if name == "add_title" else f"Hello, {value}"


def test_a_new_run_takes_the_new_way_and_a_run_of_the_old_version_the_old_one() -> None:
    new, old = (simulate(greet, {"name": "Ann"}, polite, version=version) for version in (VERSION, OLD_VERSION))

    assert (new.output, old.output) == ("Hello, Dr Ann", "Hello, Ann")


def test_a_file_of_an_older_version_replays_because_of_its_version_alone() -> None:
    recorded = Recorded.read(history_path("greet", "greeted", OLD_VERSION))
    as_of_today = replace(recorded, events=[of_version(event, VERSION) for event in recorded.events])

    assert differences(HANDLES["greet"], recorded) == []
    assert any("new: step 0: activity add_title" in change for change in differences(HANDLES["greet"], as_of_today))


def of_version(event: dict[str, Any], version: str) -> dict[str, Any]:
    return {**event, "Version": version} if event["EventType"] == wire.EXECUTION_STARTED else event
