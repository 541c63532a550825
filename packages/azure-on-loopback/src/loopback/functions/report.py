"""Messages to the person who runs the host."""

import sys


def report(text: str) -> None:
    """Print `text` on stderr at once, so that the log of a killed host is complete."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201
