"""A host for the app `triggers`, and the notes that its functions write."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from loopback.functions.testing import DurableHost, run_host
from tests.functions.polling import eventually

APPS = Path(__file__).parent / "apps"
TRIGGERS = APPS / "triggers"
NEVER = "0 0 0 1 1 *"


@dataclass(frozen=True)
class Notes:
    """The file of the app's setting NOTES: a line for each call of a function."""

    path: Path

    def all(self) -> list[dict[str, Any]]:
        if not self.path.exists():
            return []
        return [json.loads(line) for line in self.path.read_text(encoding="utf-8").splitlines()]

    def of(self, function: str, **facts: Any) -> list[dict[str, Any]]:
        """Return the notes of a function that have these facts."""
        wanted = {"function": function, **facts}
        return [note for note in self.all() if all(name in note and note[name] == wanted[name] for name in wanted)]

    def wait(self, function: str, count: int = 1, **facts: Any) -> list[dict[str, Any]]:
        """Return the notes of a function as soon as there are `count`."""
        eventually(lambda: len(self.of(function, **facts)) >= count, self.all)
        return self.of(function, **facts)


@contextmanager
def settings(notes: Path, *, tick: str = NEVER, slow: str = NEVER) -> Iterator[Notes]:
    """Set the settings that the app needs; `tick` and `slow` are schedules."""
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
