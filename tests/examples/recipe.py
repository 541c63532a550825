"""Carries out the README of an example to the letter: its commands, and the code that it adds to a file."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.request import urlopen

from loopback.serving import free_port

BLOCK = re.compile(r"^ *```(?P<language>\w+)\n(?P<text>.*?)^ *```", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"`([\w/]+\.py)`")
SERVERS = "python -m murmuration.cli up"
ROWS_END = "\nSTEPS: "
"""The line of `murmuration/contracts/steps.py` below the rows."""
START_SECONDS = 60


@dataclass
class Recipe:
    """The copy of a clone in which a recipe is followed, and the servers that were started there."""

    root: Path
    port: int = field(default_factory=free_port)
    servers: "subprocess.Popen[str] | None" = None

    def follow(self, example: str) -> list[str]:
        """Do what the example's README says, in order; returns what each command block printed."""
        text = (self.root / "examples" / example / "README.md").read_text(encoding="utf-8")
        try:
            return list(self._outputs(text))
        finally:
            self.stop()

    def _outputs(self, text: str) -> Iterator[str]:
        for block in BLOCK.finditer(text):
            code = "\n".join(line.removeprefix("   ") for line in block["text"].splitlines())
            if block["language"] == "python":
                self._add(FILE.findall(text[: block.start()])[-1], code)
            elif code.startswith(SERVERS):
                self._start()
            else:
                yield self.run(code)

    def _add(self, file: str, code: str) -> None:
        path = self.root / file
        before, mark, after = path.read_text(encoding="utf-8").partition(ROWS_END)
        assert mark, f"{file} has no line that begins with {ROWS_END.strip()}"
        path.write_text(f"{before}{code}\n{mark}{after}", encoding="utf-8")

    def run(self, commands: str, *, check: bool = True) -> str:
        """What the shell commands print."""
        done = subprocess.run(  # noqa: S603
            ["sh", "-e", "-c", commands.replace("7071", str(self.port))],  # noqa: S607
            cwd=self.root, env=_environment(), capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert not check or done.returncode == 0, f"{commands}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def _start(self) -> None:
        ports = ["--port", str(self.port), "--search-port", str(free_port()), "--model-port", str(free_port())]
        command = [sys.executable, *SERVERS.split()[1:], *ports, "--data", str(self.root / ".data")]
        self.servers = subprocess.Popen(  # noqa: S603
            command, cwd=self.root, env=_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            try:
                with urlopen(f"http://127.0.0.1:{self.port}/api/health", timeout=5):
                    break
            except OSError:
                assert self.servers.poll() is None, self.servers.communicate()[1]
                time.sleep(0.05)
        assert self.servers.stdout is not None
        assert self.servers.stdout.readline() == "Murmuration is up.\n"

    def stop(self) -> None:
        if self.servers is not None:
            self.servers.terminate()
            self.servers.communicate()
            self.servers = None


def _environment() -> dict[str, str]:
    """The test's own, with its interpreter as `python`, and nothing of the app's settings or of this clone."""
    names = ("HOME", "LANG", "SYSTEMROOT", "TEMP", "TMPDIR")
    kept = {name: os.environ[name] for name in names if name in os.environ}
    return {**kept, "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))}
