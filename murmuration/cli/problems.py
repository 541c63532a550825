"""Reports what an app finds wrong with itself."""

import sys

from murmuration.client.app_client import AppClient


async def print_problems(app: AppClient) -> None:
    """Print agent files that were left out and variables that look like misspelt settings, one a line, on stderr."""
    for problem in await app.problems():
        print(f"mur: {problem}", file=sys.stderr, flush=True)  # noqa: T201
