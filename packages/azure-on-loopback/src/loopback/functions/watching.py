"""`--watch`: runs the host in a child process, and starts it anew when the app's code or settings change.

Open runs go on in the new process, because all of them are in the store.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

from watchfiles import DefaultFilter
from watchfiles import watch as changes

from loopback.serving import STDIN_WATCH

SETTINGS = ("host.json", "local.settings.json")
STOP_SECONDS = 15.0


class CodeFilter(DefaultFilter):
    """Selects Python files and the host's settings, but not the files that a host writes."""

    def __call__(self, change: object, path: str) -> bool:
        file = Path(path)
        return (
            super().__call__(change, path)  # type: ignore[arg-type]
            and ".loopback" not in file.parts
            and (file.suffix == ".py" or file.name in SETTINGS)
        )


def watch(folder: Path, arguments: list[str]) -> int:
    """Run the host with `arguments` until Ctrl-C; return the exit status."""
    # A shell starts background jobs with Ctrl-C ignored, and Python leaves it ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    arguments = list(arguments)
    child = _start(arguments)
    if "--reset" in arguments:
        arguments.remove("--reset")
    try:
        for _ in changes(folder, watch_filter=CodeFilter(), raise_interrupt=False):
            print("the app has changed; starting anew", file=sys.stderr, flush=True)  # noqa: T201
            _stop(child)
            child = _start(arguments)
    finally:
        _stop(child)
    return 0


def _start(arguments: list[str]) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "loopback", "functions", *arguments]
    return subprocess.Popen(command, stdin=subprocess.PIPE, env={**os.environ, STDIN_WATCH: "1"})  # noqa: S603


def _stop(child: subprocess.Popen[bytes]) -> None:
    """Close the child's standard input: on every system it then drains and ends."""
    assert child.stdin is not None  # noqa: S101 - it was opened as a pipe
    child.stdin.close()
    try:
        child.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
