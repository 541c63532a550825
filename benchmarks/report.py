"""Prints figures."""

import argparse
import json
from collections.abc import Mapping


def show(figures: Mapping[str, float | int | str | None]) -> None:
    """Print a line per figure, or one JSON object with `--json`; None marks what this system can't measure."""
    options, _ = _parser().parse_known_args()
    if options.json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name:32} {'not known here' if value is None else value}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--json", action="store_true", help="one JSON object")
    return parser
