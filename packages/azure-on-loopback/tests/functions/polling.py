"""Waiting for a condition that no status of a run shows."""

import time
from collections.abc import Callable

SECONDS = 10.0


def eventually(condition: Callable[[], object], describe: Callable[[], object] = lambda: None) -> None:
    """Return when the condition holds; after some seconds fail with what `describe` returns."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, describe()
        time.sleep(0.005)
