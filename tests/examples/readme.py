"""Runs the commands of a README as a reader would, on ports that are free."""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from loopback.serving import free_port

SECONDS = 60
PORT = re.compile(r"\b707[1-3]\b")
INHERITED = ("HOME", "LANG", "TMPDIR")
"""Variables that the commands see: none of the app's settings, and nothing that leads to this clone."""
_BLOCK = re.compile(r"^(?P<indent> *)```(?P<language>\w+)\n(?P<text>.*?)^ *```", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A block of code, with the text above it."""

    language: str
    text: str
    above: str


def blocks(readme: Path) -> list[Block]:
    """Every block of code in a README, in order."""
    text = readme.read_text(encoding="utf-8")
    return [
        Block(match["language"], re.sub(f"^{match['indent']}", "", match["text"], flags=re.M), text[: match.start()])
        for match in _BLOCK.finditer(text)
    ]


class Reader:
    """A person with a shell in a folder, who has read the README and puts other ports in place of its own."""

    def __init__(self, folder: Path, programs: Path = Path(sys.executable).parent, **variables: str) -> None:
        """`programs` is searched first for commands such as `python`; `variables` are added to the environment."""
        self.folder = folder
        self.ports: Mapping[str, int] = {port: free_port() for port in ("7071", "7072", "7073")}
        inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
        path = os.pathsep.join((str(programs), os.environ["PATH"]))
        self._environment = {**inherited, **variables, "PATH": path}
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def run(self, commands: str) -> str:
        """Run shell commands; returns what they print, raises AssertionError when one fails."""
        done = subprocess.run(  # noqa: S603
            ["sh", "-e", "-c", self._own_ports(commands)],  # noqa: S607
            cwd=self.folder, env=self._environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{commands}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def run_until(self, commands: str, ready: Callable[[str], bool]) -> str:
        """Run the commands again and again, until their output is ready."""
        deadline = time.monotonic() + SECONDS
        while not ready(output := self.run(commands)):
            assert time.monotonic() < deadline, output
            time.sleep(0.1)
        return output

    def start(self, command: str, port: str, ready: str) -> None:
        """Start servers, one of them at the README's `port`; they say `ready` when they are up."""
        log = self.folder / f"{port}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603
                ["sh", "-c", f"exec {self._own_ports(command)}"],  # noqa: S607
                cwd=self.folder, env=self._environment, stdout=output, stderr=output,
            )  # fmt: skip
        self._running[port] = process
        deadline = time.monotonic() + SECONDS
        while ready not in (said := log.read_text(encoding="utf-8")):
            assert process.poll() is None, said
            assert time.monotonic() < deadline, said
            time.sleep(0.05)

    def kill(self, port: str) -> None:
        """kill -9 of what was started at this port of the README."""
        process = self._running.pop(port)
        process.kill()
        process.wait()

    def stop(self) -> None:
        """Stop everything, and wait until its ports are free again."""
        for process in self._running.values():
            process.terminate()
            process.wait()
        self._running.clear()
        deadline = time.monotonic() + SECONDS
        while any(_is_taken(port) for port in self.ports.values()):
            assert time.monotonic() < deadline, "a server does not stop"
            time.sleep(0.05)

    def _own_ports(self, text: str) -> str:
        return PORT.sub(lambda port: str(self.ports[port[0]]), text)


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
