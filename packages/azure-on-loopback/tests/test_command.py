"""The `loopback` command: help, version, and its answers to wrong arguments."""

import socket
import subprocess
import sys
import tempfile

import pytest

from loopback import __version__
from loopback.serving import HOST


def loopback(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "loopback", *arguments]
    with tempfile.TemporaryDirectory() as folder:  # a server keeps its data in the working directory
        return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=20, check=False)  # noqa: S603


def test_help_lists_the_servers() -> None:
    done = loopback("--help")

    assert done.returncode == 0
    for server in ("functions", "search", "model"):
        assert f"\n  {server} " in done.stdout


def test_version() -> None:
    done = loopback("--version")

    assert (done.returncode, done.stdout) == (0, f"loopback {__version__}\n")


def test_an_unknown_server_is_one_line_and_status_2() -> None:
    done = loopback("serach", "--port", "0")

    assert done.returncode == 2
    assert done.stderr == "loopback: there is no server 'serach': use functions, search, model\n"


def test_without_a_server_the_help_is_shown_and_the_status_is_2() -> None:
    done = loopback()

    assert done.returncode == 2
    assert done.stderr == loopback("--help").stdout


@pytest.mark.parametrize(
    ("server", "options"),
    [
        ("functions", ["--app", "--port", "--data", "--auth", "--watch", "--verbose", "--reset"]),
        ("search", ["--data", "--port", "--key", "--visibility-lag", "--reset"]),
        ("model", ["--port", "--skills", "--embeddings"]),
    ],
)
def test_the_help_of_a_server_lists_its_options(server: str, options: list[str]) -> None:
    done = loopback(server, "--help")

    assert done.returncode == 0
    assert f"usage: loopback {server} " in done.stdout
    for option in options:
        assert f"\n  {option} " in done.stdout


@pytest.mark.parametrize("server", ["search", "model"])
def test_a_port_in_use_is_one_line_and_status_2(server: str) -> None:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = loopback(server, "--port", str(port))

    assert done.returncode == 2
    assert done.stderr == f"{server} service: cannot listen on port {port} of {HOST}: it is in use\n"


@pytest.mark.parametrize("server", ["search", "model"])
@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--port", "65536"], "cannot listen on port 65536: ports are 0 to 65535"),
        (["--port", "http"], "argument --port: invalid int value: 'http'"),
        (["--bogus"], "unrecognized arguments: --bogus"),
    ],
)
def test_a_wrong_option_is_named_and_the_status_is_2(server: str, arguments: list[str], reason: str) -> None:
    done = loopback(server, *arguments)

    assert done.returncode == 2
    assert reason in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
