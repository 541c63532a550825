"""Reports what an app finds wrong with itself."""

import sys
from collections.abc import Mapping
from typing import Any


def print_problems(health: Mapping[str, Any] | None) -> None:
    """Print agent files that were left out and variables that look like misspelt settings, one a line, on stderr."""
    report = health or {}
    for problem in (*report.get("problems", ()), *report.get("warnings", ())):
        print(f"mur: {problem}", file=sys.stderr, flush=True)  # noqa: T201
