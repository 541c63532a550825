"""The host as its users start it: a process of its own."""

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
from tests.functions.notes import eventually

COMMAND = [sys.executable, "-m", "loopback", "functions"]


def outcome(*arguments: str | Path) -> tuple[int, str]:
    """Exit status and what was said, of a host that can't start."""
    command = [*COMMAND, "--port", "0", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)  # noqa: S603
    return done.returncode, done.stderr.strip()


@dataclass
class Running:
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def said(self) -> str:
        return self.log.read_text(encoding="utf-8")

    @property
    def host(self) -> DurableHost:
        """The host at the address it told last."""
        return DurableHost(re.findall(r"listening on (http://\S+)", self.said)[-1], MovableClock())

    def wait_for(self, text: str, count: int = 1) -> None:
        eventually(lambda: self.said.count(text) >= count or self.process.poll() is not None, lambda: self.said)
        assert self.said.count(text) >= count, self.said

    def interrupt(self, seconds: float = 15) -> int:
        """Ctrl-C; the exit status."""
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
        found = Running(process, log)
        found.wait_for("listening on")
        yield found
    finally:
        process.kill()
        process.wait()
