"""What the app `triggers` writes down, and a host for it."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from loopback.functions.testing import DurableHost, run_host

APPS = Path(__file__).parent / "apps"
TRIGGERS = APPS / "triggers"
NEVER = "0 0 0 1 1 *"
SECONDS = 10.0


@dataclass(frozen=True)
class Notes:
    path: Path

    def all(self) -> list[dict[str, Any]]:
        if not self.path.exists():
            return []
        return [json.loads(line) for line in self.path.read_text(encoding="utf-8").splitlines()]

    def of(self, function: str, **what: Any) -> list[dict[str, Any]]:
        wanted = {"function": function, **what}.items()
        return [each for each in self.all() if wanted <= {k: v for k, v in each.items() if k in dict(wanted)}.items()]

    def wait(self, function: str, count: int = 1, **what: Any) -> list[dict[str, Any]]:
        """The notes of a function, as soon as there are `count`."""
        eventually(lambda: len(self.of(function, **what)) >= count, self.all)
        return self.of(function, **what)


def eventually(holds: Callable[[], object], shown: Callable[[], object]) -> None:
    deadline = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < deadline, shown()
        time.sleep(0.005)


@contextmanager
def settings(notes: Path, *, tick: str = NEVER, slow: str = NEVER) -> Iterator[Notes]:
    """The settings that the app needs; `tick` and `slow` are schedules."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("NOTES", str(notes))
        environment.setenv("TICK", tick)
        environment.setenv("SLOW", slow)
        environment.setenv("QUEUE", "messages")
        yield Notes(notes)


@contextmanager
def triggers_host(folder: Path, *, auth: bool = False) -> Iterator[tuple[DurableHost, Notes]]:
    with settings(folder / "notes") as notes, run_host(TRIGGERS, folder / "data", auth=auth) as host:
        yield host, notes
