"""Follows the README of an example to the letter: runs its commands, and adds its code to the file that it names."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from loopback.serving import free_port

BLOCK = re.compile(r"^ *```(?P<language>\w+)\n(?P<text>.*?)^ *```", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"`([\w/]+\.py)`")
SERVERS = "python -m murmuration.cli up"
BELOW_THE_ROWS = "\nSTEPS: "
"""The beginning of the line of `murmuration/contracts/steps.py` that follows the rows."""
SECONDS = 60
KEPT = ("HOME", "LANG", "TMPDIR")
"""Variables that the commands see, beside PATH: none of the app's settings, and nothing that leads to this clone."""


class Recipe:
    """A copy of a clone in which recipes are followed."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._ports = [free_port() for _ in range(3)]
        self._servers: subprocess.Popen[str] | None = None

    def follow(self, example: str, ends: Callable[[str], bool] = bool) -> list[str]:
        """Do what the README says, in order; returns what each block of commands printed.

        `ends` tells from the output of the last block whether it is to be run again, as one who waits would.
        """
        readme = (self.root / "examples" / example / "README.md").read_text(encoding="utf-8")
        outputs = []
        try:
            for command in self._commands(readme):
                outputs.append(self.run(command))
            deadline = time.monotonic() + SECONDS
            while not ends(outputs[-1]):
                assert time.monotonic() < deadline, outputs[-1]
                time.sleep(0.1)
                outputs[-1] = self.run(command)
        finally:
            self._stop()
        return outputs

    def _commands(self, readme: str) -> Iterator[str]:
        """Yield the blocks of commands; what stands between them has been done then."""
        for block in BLOCK.finditer(readme):
            text = "\n".join(line.removeprefix("   ") for line in block["text"].splitlines())
            if block["language"] == "python":
                self._add(FILE.findall(readme[: block.start()])[-1], text)
            elif text.startswith(SERVERS):
                self._start()
            else:
                yield text

    def _add(self, file: str, code: str) -> None:
        path = self.root / file
        rows, mark, rest = path.read_text(encoding="utf-8").partition(BELOW_THE_ROWS)
        assert mark, f"{file} has no line that begins with {mark.strip()}"
        path.write_text(f"{rows}{code}\n{mark}{rest}", encoding="utf-8")

    def run(self, commands: str) -> str:
        """What the shell commands print; raises AssertionError when one of them fails."""
        shell = ["sh", "-e", "-c", commands.replace("7071", str(self._ports[0]))]
        done = subprocess.run(  # noqa: S603
            shell, cwd=self.root, env=_environment(), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{commands}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def _start(self) -> None:
        app, search, model = map(str, self._ports)
        ports = ["--port", app, "--search-port", search, "--model-port", model]
        self._servers = subprocess.Popen(  # noqa: S603
            [sys.executable, *SERVERS.split()[1:], *ports],
            cwd=self.root, env=_environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        assert self._servers.stdout is not None
        assert self._servers.stdout.readline() == "Murmuration is up.\n"

    def _stop(self) -> None:
        if self._servers is not None:
            self._servers.terminate()
            self._servers.communicate()
            self._servers = None
            self._wait_until_gone()

    def _wait_until_gone(self) -> None:
        """The servers stop when the command that has started them is gone."""
        deadline = time.monotonic() + SECONDS
        for port in self._ports:
            while time.monotonic() < deadline:
                try:
                    urlopen(f"http://127.0.0.1:{port}/", timeout=5).close()
                except URLError as error:
                    if isinstance(error.reason, ConnectionError):
                        break
                time.sleep(0.02)


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    return {**kept, "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))}
