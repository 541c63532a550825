"""Refuses I/O and threads that go past the event loop, such as `requests.get`, `open` and `time.sleep` in a workflow.

An audit hook can't be taken back and costs time, so it is switched on in development and in tests only.
"""

import inspect
import os
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from murmuration.durable.errors import Forbidden
from murmuration.durable.loop import is_in_workflow

_REFUSED = {
    "_thread.start_joinable_thread": "a thread",
    "_thread.start_new_thread": "a thread",
    "open": "a file",
    "os.exec": "a subprocess",
    "os.fork": "a subprocess",
    "os.listdir": "a folder",
    "os.posix_spawn": "a subprocess",
    "os.remove": "a file",
    "os.rename": "a file",
    "os.scandir": "a folder",
    "os.spawn": "a subprocess",
    "os.system": "a subprocess",
    "socket.bind": "the network",
    "socket.connect": "the network",
    "socket.getaddrinfo": "the network",
    "socket.gethostbyname": "the network",
    "socket.gethostname": "the network",
    "sqlite3.connect": "a database",
    "subprocess.Popen": "a subprocess",
    "time.sleep": "time.sleep",
}
_BY_IMPORTS = ("open", "os.listdir", "os.rename")
_INSTEAD = {"time.sleep": "await asyncio.sleep, which is durable here"}
_installed = False


def refuse_io_in_workflows() -> None:
    """Switch the hook on, for as long as the process lives."""
    global _installed
    if not _installed:
        _installed = True
        sys.addaudithook(_hook)
        if sys.version_info < (3, 13):  # from then on these tell the hook by themselves
            time.sleep = _audited("time.sleep", time.sleep)
            threading.Thread.start = _audited("_thread.start_new_thread", threading.Thread.start)  # type: ignore[assignment, method-assign]


def _audited(event: str, function: Callable[[Any], None]) -> Callable[[Any], None]:
    def audited(argument: Any) -> None:
        _hook(event, (argument,))
        function(argument)

    return audited


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if event not in _REFUSED or not is_in_workflow():
        return
    if event in _BY_IMPORTS and (_is_code(arguments[0]) or _is_importing()):
        return
    raise Forbidden(_REFUSED[event], _INSTEAD.get(event, "write an activity and await it"))


def _is_code(path: Any) -> bool:
    """Whether Python reads the file by itself, to import it or to show a line of it; a number is an open file."""
    return isinstance(path, int) or os.fsdecode(path).endswith((".py", ".pyc", ".pyd", ".so"))


def _is_importing() -> bool:
    """Whether a module is being imported: some read files of their own then."""
    frame = inspect.currentframe()
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False
