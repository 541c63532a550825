"""The command line of a benchmark: its options and its figures."""

import argparse
import json
from collections.abc import Mapping


def make_parser(description: str | None) -> argparse.ArgumentParser:
    """Make a parser with the option that every benchmark has, `--json`."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser


def show(figures: Mapping[str, float | int | str | None], *, as_json: bool) -> None:
    """Print a line per figure, or one JSON object; None marks a figure that this system can't measure."""
    if as_json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name:32} {'not known here' if value is None else value}")
