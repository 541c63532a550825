"""`loopback functions --app DIR`: run a Python function app on this machine."""

import argparse
import logging
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from loopback.functions.apps.app_folder import leave_start_folder
from loopback.functions.watching import watch
from loopback.serving import LISTENING, CannotStart, run_until_signalled

DATA_FOLDER = Path(".loopback") / "functions"


@dataclass(frozen=True)
class Choices:
    """The command line; its paths are absolute."""

    app: Path
    data: Path
    port: int
    home: str | None
    auth: bool
    reset: bool
    verbose: bool
    watch: bool


def main(arguments: Sequence[str]) -> int:
    """Run the app until Ctrl-C; return the exit status."""
    choices = read_command_line(arguments)
    if choices.watch and choices.app.is_dir():
        return watch(choices.app, [argument for argument in arguments if argument != "--watch"])
    leave_start_folder()
    handler = logging.StreamHandler(sys.stderr)
    # The handler has a level of its own, because a logger of the app may have set one for itself.
    handler.setLevel(logging.INFO if choices.verbose else logging.WARNING)
    logging.basicConfig(level=handler.level, handlers=[handler], format="%(message)s")
    return run_until_signalled(lambda: _make_app(choices), choices.port, "functions host")


def read_command_line(arguments: Sequence[str]) -> Choices:
    """Read the options; relative paths begin at the working directory. Exits with status 2 at a mistake."""
    parser = argparse.ArgumentParser(prog="loopback functions", description=__doc__, allow_abbrev=False)
    parser.add_argument("--app", type=Path, default=Path(), metavar="DIR", help="the app (default: this folder)")
    parser.add_argument("--port", type=int, default=7071, help="0 takes a free one (default: 7071)")
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help=f"where runs are kept (default: {DATA_FOLDER} in the app)"
    )
    parser.add_argument("--home", metavar="PATH", help="redirect / to this path of the app, such as /api/console")
    parser.add_argument("--reset", action="store_true", help="forget all runs first")
    parser.add_argument("--auth", action="store_true", help="enforce access keys, as Azure does")
    parser.add_argument("--verbose", action="store_true", help="show the app's own logs below warning, too")
    parser.add_argument("--watch", action="store_true", help="start anew when the app's code changes")
    options = vars(parser.parse_args(arguments))
    app = options.pop("app").resolve()
    data = options.pop("data") or app / DATA_FOLDER
    return Choices(app=app, data=data.resolve(), **options)


async def _make_app(choices: Choices) -> web.Application:
    """Make the host's web application, which tells its functions and their URLs as soon as it listens."""
    # Imported after the start folder has left sys.path, because the SDK imports a package `agents` if it finds one.
    from loopback.functions.host import LOADED, Options, describe, make_app

    if choices.reset:
        _delete_runs(choices.data)
    app = await make_app(choices.app, Options(choices.data, auth=choices.auth, home=choices.home))
    begin = app[LISTENING]

    def announce(port: int) -> None:
        print("\n".join(describe(app[LOADED], port)), file=sys.stderr, flush=True)  # noqa: T201
        if choices.auth:
            print(f"Access keys: {choices.data / 'keys.json'}", file=sys.stderr, flush=True)  # noqa: T201
        begin(port)

    app[LISTENING] = announce
    return app


def _delete_runs(data: Path) -> None:
    """Delete the files in which a host keeps its runs, and nothing else."""
    for path in data.glob("functions.*"):
        try:
            path.unlink()
        except OSError as error:
            raise CannotStart(f"cannot remove {str(path)!r}: {error.strerror}") from error
