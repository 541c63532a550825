"""`loopback search`: Azure AI Search on this machine."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from loopback.search.disk import data_files
from loopback.search.routes import make_app
from loopback.serving import run_until_signalled


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="loopback search", description=__doc__)
    parser.add_argument("--port", type=int, default=7072, help="0 takes a free one (default: 7072)")
    parser.add_argument(
        "--data", type=Path, default=Path(".murmuration/search"), metavar="DIR", help="where indexes are kept"
    )
    parser.add_argument("--key", default="local", help="the api-key that requests must carry (default: local)")
    parser.add_argument(
        "--visibility-lag", type=float, default=0, metavar="SECONDS", help="how long writes stay invisible (default: 0)"
    )
    parser.add_argument("--reset", action="store_true", help="forget all indexes first")
    options = parser.parse_args(arguments)
    if options.visibility_lag < 0:
        parser.error("--visibility-lag is a number of seconds, at least 0")
    if options.reset:
        for path in [*options.data.glob("search.db*"), *data_files(options.data)]:
            path.unlink()
    return run_until_signalled(
        lambda: make_app(options.data, options.key, options.visibility_lag), options.port, "search service"
    )
