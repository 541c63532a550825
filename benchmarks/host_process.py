"""Runs a Functions host as a process of its own, calls it over HTTP, and measures its cost."""

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.request import urlopen

import aiohttp

from loopback.serving import STDIN_WATCH, free_port

ROOT = Path(__file__).resolve().parent.parent
APPS = ROOT / "benchmarks" / "apps"
BASE = "/runtime/webhooks/durabletask"
START_SECONDS = 60.0
POLL_SECONDS = 0.05
LAST_CHARACTERS = 2000
RUNNING = "Pending,Running,ContinuedAsNew"


class HostDied(Exception):
    """The host ended without being killed; the message has the end of its log."""


class HostProcess:
    """A host with its state in `data`, always on the same port; its log is a file beside `data`."""

    def __init__(self, app: str, data: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._arguments = ["--app", str(APPS / app), "--data", str(data), "--port", str(self.port)]
        self._log = data.parent / f"{data.name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.kill()

    def start(self) -> None:
        """Start it and wait until it answers."""
        command = [sys.executable, "-m", "loopback", "functions", *self._arguments]
        with self._log.open("ab") as log:
            path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))  # for apps on murmuration
            # It stops when this process ends, however that happens.
            environment = {**os.environ, "PYTHONPATH": path, STDIN_WATCH: "1"}
            self._process = subprocess.Popen(
                command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=log, stderr=log
            )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            self.check()
            try:
                with urlopen(f"{self.url}/admin/host/status", timeout=5):  # noqa: S310 - loopback
                    return
            except OSError:
                time.sleep(0.02)
        self.kill()
        raise HostDied(f"the host does not answer after {START_SECONDS:.0f} s: {self._end_of_log()}")

    def kill(self) -> None:
        """End it at once, as `kill -9` does."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()

    def check(self) -> None:
        """Raise `HostDied` when it has ended by itself."""
        if self._process is not None and self._process.poll() is not None:
            raise HostDied(f"the host ended with status {self._process.returncode}: {self._end_of_log()}")

    def _end_of_log(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")[-LAST_CHARACTERS:]

    def resident_bytes(self) -> int | None:
        """Return the memory of it and its children; None without /proc."""
        pages = [int(process[21]) for process in self._processes()]
        return sum(pages) * os.sysconf("SC_PAGE_SIZE") if pages else None

    def cpu_seconds(self) -> float | None:
        """Return user and system time of it and its children, ended ones included; None without /proc."""
        ticks = [sum(map(int, process[11:15])) for process in self._processes()]
        return sum(ticks) / os.sysconf("SC_CLK_TCK") if ticks else None

    def _processes(self) -> list[list[str]]:
        """Return /proc/PID/stat from the third field on (see proc(5)) of the host and all processes below it."""
        all_processes: dict[int, list[str]] = {}
        for path in Path("/proc").glob("[0-9]*/stat"):
            try:
                text = path.read_text()
            except OSError:
                continue  # ended since
            all_processes[int(path.parent.name)] = text.rpartition(")")[2].split()
        family = {self._process.pid} if self._process is not None else set()
        while more := {pid for pid, fields in all_processes.items() if int(fields[1]) in family} - family:
            family |= more
        return [all_processes[pid] for pid in family if pid in all_processes]


async def run_all(
    session: aiohttp.ClientSession, url: str, name: str, value: dict[str, Any], *, prefix: str, count: int = 1
) -> None:
    """Start `count` runs at once, `prefix`-0 and so on, and wait until all have completed."""

    async def start(number: int) -> None:
        async with session.post(f"{url}{BASE}/orchestrators/{name}/{prefix}-{number}", json=value) as response:
            response.raise_for_status()

    await asyncio.gather(*(start(number) for number in range(count)))
    while await _has_any(session, url, f"{prefix}-", RUNNING):  # noqa: ASYNC110 - HTTP has no events
        await asyncio.sleep(POLL_SECONDS)
    if await _has_any(session, url, f"{prefix}-", "Failed,Terminated"):
        raise RuntimeError(f"a run of {name} failed")


async def _has_any(session: aiohttp.ClientSession, url: str, prefix: str, statuses: str) -> bool:
    query = {"instanceIdPrefix": prefix, "runtimeStatus": statuses, "top": "1"}
    async with session.get(f"{url}{BASE}/instances", params=query) as answer:
        answer.raise_for_status()
        return bool(await answer.json())
