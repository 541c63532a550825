"""The host as people start it: the command, in a process of its own."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from loopback.functions.clock import MovableClock
from loopback.functions.testing import DurableHost
from tests.functions.polling import eventually

COMMAND = [sys.executable, "-m", "loopback", "functions"]


def outcome(*arguments: str | Path) -> tuple[int, str]:
    """Return the exit status and the message of a host that can't start."""
    command = [*COMMAND, "--port", "0", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)  # noqa: S603
    return done.returncode, done.stderr.strip()


@dataclass
class Running:
    """A host that has been started, and its log."""

    process: subprocess.Popen[bytes]
    log: Path

    @property
    def text(self) -> str:
        return self.log.read_text(encoding="utf-8")

    @property
    def host(self) -> DurableHost:
        """A client for the address that the host has printed last."""
        return DurableHost(re.findall(r"listening on (http://\S+)", self.text)[-1], MovableClock())

    def wait_for(self, text: str, count: int = 1) -> None:
        eventually(lambda: self.text.count(text) >= count or self.process.poll() is not None, lambda: self.text)
        assert self.text.count(text) >= count, self.text

    def interrupt(self, seconds: float = 15) -> int:
        """Send Ctrl-C; return the exit status."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(seconds)


@contextmanager
def running(
    app: Path,
    data: Path,
    *options: str,
    command: Sequence[str] = COMMAND,
    start_folder: Path | None = None,
    settings: Mapping[str, str] | None = None,
) -> Iterator[Running]:
    """Start a host with `settings` in its environment and wait until it listens."""
    log = data.with_name(f"{data.name}.log")
    with log.open("wb") as out:
        process = subprocess.Popen(  # noqa: S603
            [*command, "--port", "0", "--app", str(app), "--data", str(data), *options],
            stderr=out,
            cwd=start_folder,
            env={**os.environ, **(settings or {})},
        )
    try:
        started = Running(process, log)
        started.wait_for("listening on")
        yield started
    finally:
        process.kill()
        process.wait()
