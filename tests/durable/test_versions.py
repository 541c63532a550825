"""A run goes on with code that knows its version, or is refused by name; every start names the version."""

from typing import Any

import pytest

import murmuration.approval.approval_gate  # noqa: F401 - registers the workflow
from loopback.functions import protocol as wire
from murmuration.contracts.base import Contract
from murmuration.durable import registry, versions
from murmuration.durable.registry import WORKFLOWS, Orchestrator, import_all, workflow
from murmuration.durable.workflow import Flow
from simulation.scripted import Trace, simulate
from simulation.virtual_host import VERSION
from tests.durable.running import run, step

import_all("orchestrators")
APP_VERSIONS = {name: versions.version_of(name) or VERSION for name in WORKFLOWS}


class Name(Contract):
    name: str


@pytest.fixture
def greet(monkeypatch: pytest.MonkeyPatch) -> Orchestrator:
    monkeypatch.setattr(registry, "WORKFLOWS", {})
    monkeypatch.setitem(versions.VERSIONS, "greet", "replaced below, and taken back after the test")

    @workflow(version="1.1", earlier=("1.0",))
    async def greet(flow: Flow, value: Name) -> Name:
        return Name(name=f"{'Hello' if flow.version == '1.0' else 'Good day'}, {value.name}")

    return greet


def greeted(greet: Orchestrator, version: str) -> Trace:
    return simulate(greet, {"name": "Ann"}, step, version=version)


def test_a_run_of_an_earlier_version_goes_on_as_it_began(greet: Orchestrator) -> None:
    assert greeted(greet, "1.1").output == {"name": "Good day, Ann"}
    assert greeted(greet, "1.0").output == {"name": "Hello, Ann"}


@pytest.mark.parametrize(("version", "text"), [("0.9", "0.9"), ("1.2", "1.2"), ("", "a run without a version")])
def test_a_run_of_an_unknown_version_is_refused_with_both_versions(
    greet: Orchestrator, version: str, text: str
) -> None:
    error = str(greeted(greet, version).error)

    assert error.startswith(f"unknown_version: greet knows 1.1 and 1.0, and this run began as {text}: deploy code")


@pytest.mark.usefixtures("greet")
def test_a_sub_orchestration_is_started_as_the_version_of_its_workflow() -> None:
    async def parent(flow: Flow) -> Any:
        await flow.sub_orchestration("greet", Name(name="Ann"))
        await flow.sub_orchestration("other")

    trace = run(parent, activity=lambda *_: (1.0, None))

    started = {event["Name"]: event["Version"] for event in trace.history if event["EventType"] == wire.SUB_CREATED}
    assert started == {"greet": "1.1", "other": None}


def test_no_workflow_of_the_app_is_above_the_version_of_host_json() -> None:
    """Durable would never take its runs on."""
    above = {name: version for name, version in APP_VERSIONS.items() if numbers(version) > numbers(VERSION)}

    assert above == {}
    assert set(APP_VERSIONS) >= {"achieve_goal", "approval_gate"}


def numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))
