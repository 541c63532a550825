"""`loopback functions --app DIR`: run a Python function app on this machine."""

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from aiohttp import web

from loopback.functions.host import LOADED, Options, described, make_app
from loopback.functions.watching import watch
from loopback.serving import LISTENING, CannotStart, run_until_signalled


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="loopback functions", description=__doc__)
    parser.add_argument("--app", type=Path, default=Path(), metavar="DIR", help="the app (default: this folder)")
    parser.add_argument("--port", type=int, default=7071, help="0 takes a free one (default: 7071)")
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="where runs are kept (default: .murmuration in the app)"
    )
    parser.add_argument("--reset", action="store_true", help="forget all runs first")
    parser.add_argument("--auth", action="store_true", help="enforce access keys, as Azure does")
    parser.add_argument("--verbose", action="store_true", help="show the app's own logs below warning, too")
    parser.add_argument("--watch", action="store_true", help="start anew when the app's code changes")
    options = parser.parse_args(arguments)
    folder: Path = options.app.resolve()
    if options.watch:
        return watch(folder, [argument for argument in arguments if argument != "--watch"])
    data: Path = options.data or folder / ".murmuration" / "functions"
    shown = logging.StreamHandler(sys.stderr)  # by its own level: a logger of the app may have set one for itself
    shown.setLevel(logging.INFO if options.verbose else logging.WARNING)
    logging.basicConfig(level=shown.level, handlers=[shown], format="%(message)s")

    async def make() -> web.Application:
        if options.reset:
            _forget(data)
        app = await make_app(folder, Options(data, auth=options.auth))
        begin = app[LISTENING]

        def announce(port: int) -> None:
            print("\n".join(described(app[LOADED], port)), file=sys.stderr, flush=True)  # noqa: T201
            if options.auth:
                print(f"Access keys: {data / 'keys.json'}", file=sys.stderr, flush=True)  # noqa: T201
            begin(port)

        app[LISTENING] = announce
        return app

    return run_until_signalled(make, options.port, "functions host")


def _forget(data: Path) -> None:
    """Remove the runs a host has left in `data`, and nothing else."""
    for path in data.glob("functions.*"):
        try:
            path.unlink()
        except OSError as error:
            raise CannotStart(f"cannot remove {str(path)!r}: {error.strerror}") from error
