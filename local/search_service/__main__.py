"""`python -m local.search_service`: Azure AI Search on this machine."""

import argparse
import sys
from pathlib import Path

from local.search_service.disk import data_files
from local.search_service.routes import make_app
from local.serving import run_until_signalled


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m local.search_service", description=__doc__)
    parser.add_argument("--port", type=int, default=7072, help="0 takes a free one (default: 7072)")
    parser.add_argument(
        "--data", type=Path, default=Path(".murmuration/search"), metavar="DIR", help="where indexes are kept"
    )
    parser.add_argument("--key", default="local", help="the api-key that requests must carry (default: local)")
    parser.add_argument(
        "--visibility-lag", type=float, default=0, metavar="SECONDS", help="how long writes stay invisible (default: 0)"
    )
    parser.add_argument("--reset", action="store_true", help="forget all indexes first")
    options = parser.parse_args()
    if options.visibility_lag < 0:
        parser.error("--visibility-lag is a number of seconds, at least 0")
    if options.reset:
        for path in [*options.data.glob("search.db*"), *data_files(options.data)]:
            path.unlink()
    return run_until_signalled(
        lambda: make_app(options.data, options.key, options.visibility_lag), options.port, "search service"
    )


if __name__ == "__main__":
    sys.exit(main())
