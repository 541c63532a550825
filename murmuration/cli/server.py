"""A server on loopback as a child process."""

import asyncio
import contextlib
import subprocess
import sys
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

import aiohttp

from loopback.serving import STDIN_WATCH, CannotStart
from murmuration.cli.app_folder import LIBRARY_ROOT

START_SECONDS = 30.0
STOP_SECONDS = 5.0
LAST_LINES = 5


@dataclass
class Server:
    """A child process that answers HTTP."""

    name: str
    arguments: list[str]
    """A module and its arguments, as for `python -m`."""
    health_url: str
    setting_of: Mapping[str, str] = field(default_factory=dict)
    """Setting behind an option: an error names the setting, which is what its reader can change."""
    process: asyncio.subprocess.Process | None = None
    last_lines: deque[str] = field(default_factory=lambda: deque(maxlen=LAST_LINES))
    """The end of its standard error."""

    async def start(self, environment: Mapping[str, str], *, verbose: bool) -> None:
        """Start the process, which stops when this one ends; `verbose` passes its standard error on."""
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            *self.arguments,
            cwd=LIBRARY_ROOT,
            env={**environment, STDIN_WATCH: "1"},
            stdin=subprocess.PIPE,  # closes with this process, however it ends
            stderr=subprocess.PIPE,
        )
        asyncio.get_running_loop().create_task(self._read_stderr(verbose=verbose))

    async def _read_stderr(self, *, verbose: bool) -> None:
        assert self.process is not None  # noqa: S101 - called by start
        assert self.process.stderr is not None  # noqa: S101
        async for line in self.process.stderr:
            text = line.decode(errors="replace").rstrip()
            self.last_lines.append(text)
            if verbose:
                print(text, file=sys.stderr, flush=True)  # noqa: T201

    async def wait_until_healthy(self, session: aiohttp.ClientSession) -> None:
        """Wait until it answers; raises `CannotStart` with its last line when it ends instead."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + START_SECONDS
        while loop.time() < deadline:
            if self.process is not None and self.process.returncode is not None:
                await asyncio.sleep(0.05)  # its last line may still be in the pipe
                raise CannotStart(self._last_line() or f"the {self.name} ended at once")
            with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                async with session.get(self.health_url, timeout=aiohttp.ClientTimeout(total=1)) as response:
                    if response.status == 200:
                        return
            await asyncio.sleep(0.03)
        raise CannotStart(f"the {self.name} did not answer at {self.health_url} within {START_SECONDS:.0f} s")

    def _last_line(self) -> str:
        line = self.last_lines[-1] if self.last_lines else ""
        for option, setting in self.setting_of.items():
            line = line.replace(option, setting)
        return line

    async def stop(self) -> None:
        """Ask it to stop, and kill it if it does not."""
        if self.process is None or self.process.returncode is not None:
            return
        if self.process.stdin is not None:
            self.process.stdin.close()
        try:
            await asyncio.wait_for(self.process.wait(), STOP_SECONDS)
        except TimeoutError:
            self.process.kill()
            await self.process.wait()
