"""The Azure AI Search REST API on this machine."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from aiohttp import web

from loopback.search.disk import data_files
from loopback.search.routes import make_app
from loopback.serving import CannotStart, run_until_signalled

DEFAULT_DATA = Path(".loopback") / "search"


def main(arguments: Sequence[str]) -> int:
    """Serve until stopped; returns the exit status."""
    parser = argparse.ArgumentParser(prog="loopback search", description=__doc__)
    parser.add_argument(
        "--data",
        type=Path,
        default=DEFAULT_DATA,
        metavar="DIR",
        help=f"where indexes are kept (default: {DEFAULT_DATA})",
    )
    parser.add_argument("--port", type=int, default=7072, metavar="N", help="0 takes a free port (default: 7072)")
    parser.add_argument("--key", default="local", help="the api-key that requests must carry (default: local)")
    parser.add_argument(
        "--visibility-lag", type=float, default=0, metavar="SECONDS", help="how long writes stay invisible (default: 0)"
    )
    parser.add_argument("--reset", action="store_true", help="delete all indexes first")
    options = parser.parse_args(arguments)
    if options.visibility_lag < 0:
        parser.error(f"--visibility-lag is {options.visibility_lag:g}: seconds can't be negative")

    async def make() -> web.Application:
        if options.reset:
            _delete_indexes(options.data)
        return await make_app(options.data, options.key, options.visibility_lag)

    return run_until_signalled(make, options.port, "search service")


def _delete_indexes(folder: Path) -> None:
    """Delete the service's own files in `folder`, and nothing else; raises `CannotStart`."""
    for path in [*folder.glob("search.db*"), *data_files(folder)]:
        try:
            path.unlink()
        except OSError as error:
            raise CannotStart(f"cannot delete {str(path)!r}: {error.strerror}") from error
