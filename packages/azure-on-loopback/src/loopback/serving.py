"""Serve an aiohttp application on loopback: as a process of its own, or in a thread of a test.

A failure before the first request (a port in use, a folder that can't be written) ends in one line on stderr and exit
status 2, because the person who started the server can fix it.
"""

import asyncio
import contextlib
import os
import signal
import socket
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from errno import EADDRINUSE
from pathlib import Path

from aiohttp import web

HOST = "127.0.0.1"
STDIN_WATCH = "LOOPBACK_STOP_WITH_STDIN"
"""Environment variable of a child process: the child stops when its standard input closes, so when its parent ends."""


LISTENING: web.AppKey[Callable[[int], None]] = web.AppKey("listening", Callable[[int], None])  # type: ignore[arg-type]
"""Callback of an application; it is called with the port as soon as the application listens."""


class CannotStart(Exception):
    """The server can't start, for a reason its user can fix; the message is for them."""


def writable_folder(folder: Path) -> Path:
    """Make `folder` if it does not exist and check that it can be written; raises `CannotStart` naming it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise CannotStart(f"cannot write to the data folder {str(folder)!r}: {error.strerror}") from error
    return folder


async def listen(app: web.Application, port: int) -> tuple[web.AppRunner, int]:
    """Serve `app` on loopback; returns the runner and the port in use (`port` 0 takes a free one)."""
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=2)
    await runner.setup()
    site = web.TCPSite(runner, HOST, port)
    try:
        await site.start()
    except OverflowError as error:
        await runner.cleanup()
        raise CannotStart(f"cannot listen on port {port}: ports are 0 to 65535") from error
    except OSError as error:
        await runner.cleanup()
        reason = "it is in use" if error.errno == EADDRINUSE else error.strerror
        raise CannotStart(f"cannot listen on port {port} of {HOST}: {reason}") from error
    bound = int(runner.addresses[0][1])
    if LISTENING in app:
        app[LISTENING](bound)
    return runner, bound


def run_until_signalled(make_app: Callable[[], Awaitable[web.Application]], port: int, name: str) -> int:
    """Serve until Ctrl-C or SIGTERM; prints one line with the URL when ready; returns the exit status."""

    async def main() -> None:
        runner, bound = await listen(await make_app(), port)
        print(f"{name} listening on http://{HOST}:{bound}", file=sys.stderr, flush=True)  # noqa: T201
        try:
            await _signalled()
        finally:
            await runner.cleanup()

    try:
        asyncio.run(main())
    except CannotStart as problem:
        print(f"{name}: {problem}", file=sys.stderr)  # noqa: T201
        return 2
    except KeyboardInterrupt:
        pass
    return 0


async def _signalled() -> None:
    stop = asyncio.Event()
    for name in ("SIGINT", "SIGTERM"):
        # Windows' event loop has no signal handlers; there Ctrl-C raises KeyboardInterrupt instead.
        with contextlib.suppress(NotImplementedError):
            asyncio.get_running_loop().add_signal_handler(getattr(signal, name), stop.set)
    if os.environ.get(STDIN_WATCH):
        loop = asyncio.get_running_loop()

        def watch() -> None:
            while os.read(sys.stdin.fileno(), 4096):  # not through sys.stdin: its lock would outlive the interpreter
                pass
            with contextlib.suppress(RuntimeError):  # the loop has ended already
                loop.call_soon_threadsafe(stop.set)

        threading.Thread(target=watch, daemon=True).start()
    await stop.wait()


@contextlib.contextmanager
def in_thread(make_app: Callable[[], Awaitable[web.Application]]) -> Iterator[str]:
    """Serve in a thread with an event loop of its own, on a free port; yields the base URL, stops at the end."""
    loop = asyncio.new_event_loop()
    started: list[tuple[web.AppRunner, int]] = []

    async def start() -> None:
        started.append(await listen(await make_app(), 0))

    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(start(), loop).result(timeout=30)
        yield f"http://{HOST}:{started[0][1]}"
    finally:
        for runner, _ in started:
            asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(timeout=30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(timeout=30)
        loop.close()


def free_port() -> int:
    """Return a port that no process listens on now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
