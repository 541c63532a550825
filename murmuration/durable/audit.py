"""Refuses I/O that goes past the event loop, such as `requests.get`, `open` and `time.sleep` in a workflow.

An audit hook can't be taken back and costs time, so it is switched on in development and in tests only.
"""

import inspect
import sys
import time
from collections.abc import Callable
from typing import Any

from murmuration.durable.errors import Forbidden
from murmuration.durable.loop import is_in_workflow

_REFUSED = {
    "open": "a file",
    "os.system": "a subprocess",
    "os.posix_spawn": "a subprocess",
    "socket.bind": "the network",
    "socket.connect": "the network",
    "socket.getaddrinfo": "the network",
    "socket.gethostbyname": "the network",
    "subprocess.Popen": "a subprocess",
    "time.sleep": "time.sleep",
}
_INSTEAD = {"time.sleep": "await asyncio.sleep, which is durable here"}
_installed = False


def refuse_io_in_workflows() -> None:
    """Switch the hook on, for as long as the process lives."""
    global _installed
    if not _installed:
        _installed = True
        sys.addaudithook(_hook)
        if sys.version_info < (3, 13):  # from then on `time.sleep` tells the hook by itself
            time.sleep = _audited(time.sleep)


def _audited(sleep: Callable[[Any], None]) -> Callable[[Any], None]:
    def audited(seconds: Any) -> None:
        _hook("time.sleep", (seconds,))
        sleep(seconds)

    return audited


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if event not in _REFUSED or not is_in_workflow():
        return
    if event == "open" and (_is_code(arguments[0]) or _is_importing()):
        return
    raise Forbidden(_REFUSED[event], _INSTEAD.get(event, "write an activity and await it"))


def _is_code(path: object) -> bool:
    """Whether Python reads the file by itself, to import it or to show a line of it."""
    return not isinstance(path, str) or path.endswith((".py", ".pyc", ".pyd", ".so"))


def _is_importing() -> bool:
    """Whether a module is being imported: some read files of their own then."""
    frame = inspect.currentframe()
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False
