"""Helpers of the conformance tests: the app `apps/semantics`, variants of it, and raw histories."""

import shutil
from pathlib import Path
from typing import Any

from loopback.functions.protocol import Event
from loopback.functions.testing import DurableHost
from tests.functions.polling import eventually

SEMANTICS = Path(__file__).parent / "apps" / "semantics"
BASE = "/runtime/webhooks/durabletask"

EXECUTION_STARTED, TASK_SCHEDULED, TASK_COMPLETED, TASK_FAILED = 0, 4, 5, 6
SUB_CREATED, SUB_COMPLETED, SUB_FAILED, TIMER_CREATED, TIMER_FIRED, EVENT_SENT = 7, 8, 9, 10, 11, 14
SCHEDULES = (TASK_SCHEDULED, SUB_CREATED, TIMER_CREATED, EVENT_SENT)


def run(host: DurableHost, name: str, value: Any = None, instance: str = "") -> dict[str, Any]:
    """Start a run; return its last status."""
    return host.wait(host.start(name, value, instance))


def output(host: DurableHost, name: str, value: Any = None) -> Any:
    ended = run(host, name, value)
    assert ended["runtimeStatus"] == "Completed", ended
    return ended["output"]


def failure(host: DurableHost, name: str, value: Any = None) -> str:
    ended = run(host, name, value)
    assert ended["runtimeStatus"] == "Failed", ended
    return str(ended["output"])


def scheduled(host: DurableHost, instance: str) -> list[tuple[int, int]]:
    """Return the kind and the number of each decision in the raw history of a run."""
    return [(event["EventType"], event["EventId"]) for event in events(host, instance, *SCHEDULES)]


def events(host: DurableHost, instance: str, *kinds: int) -> list[Event]:
    return [event for event in host.recorded(instance).events if event["EventType"] in kinds]


def lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def copied(folder: Path, *, host_json: str = "", code: tuple[str, str] | None = None) -> Path:
    """Copy the app into a folder, with other settings or with a part of its code replaced."""
    app = folder / "app"
    shutil.copytree(SEMANTICS, app, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    if host_json:
        (app / "host.json").write_text(host_json, encoding="utf-8")
    if code is not None:
        before = (SEMANTICS / "function_app.py").read_text(encoding="utf-8")
        assert code[0] in before
        (app / "function_app.py").write_text(before.replace(*code), encoding="utf-8")
    return app


def wait_for_events(host: DurableHost, instance: str, kind: int, count: int) -> None:
    """Wait until the raw history has so many events of a kind."""
    eventually(lambda: len(events(host, instance, kind)) >= count)
