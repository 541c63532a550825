"""kill -9 at any moment: the run ends as if nothing had happened, and recorded work is not done again."""

import random
import subprocess
import time
from pathlib import Path
from urllib.request import urlopen

from loopback.functions.clock import MovableClock
from loopback.functions.testing import DurableHost
from loopback.serving import free_port
from tests.functions.commands import COMMAND, outcome
from tests.functions.test_host import APP, start

KILLS = 6
NUMBERS = [round_ * 10 + index for round_ in range(4) for index in range(5)]
EXPECTED = 2 * sum(NUMBERS) + 2 * sum(range(4))


def launch(data: Path, port: int) -> subprocess.Popen[bytes]:
    options = ["--app", str(APP), "--data", str(data), "--port", str(port)]
    process = subprocess.Popen([*COMMAND, *options], stderr=subprocess.DEVNULL)  # noqa: S603
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            with urlopen(f"http://127.0.0.1:{port}/admin/host/status", timeout=1):
                return process
        except OSError:
            assert process.poll() is None, "the host did not start"
            time.sleep(0.02)
    raise AssertionError("the host does not answer")


def test_a_run_survives_kills_at_random_moments(tmp_path: Path) -> None:
    seed = random.randrange(10**6)
    chance = random.Random(seed)
    port = free_port()
    trace = tmp_path / "trace"
    process = launch(tmp_path / "data", port)
    try:
        host = DurableHost(f"http://127.0.0.1:{port}", MovableClock())
        run = start(host, "noted", {"path": str(trace)})
        for _ in range(KILLS):
            time.sleep(chance.uniform(0, 0.15))
            process.kill()
            process.wait()
            process = launch(tmp_path / "data", port)
        ended = host.wait(run)
        history = host.status(run)["historyEvents"]
    finally:
        process.kill()
        process.wait()

    assert ended["output"] == EXPECTED, f"seed {seed}"
    done = [event for event in history if event.get("FunctionName") == "note"]
    assert len(done) == 20, "every result is recorded once"
    ran = trace.read_text(encoding="utf-8").split()
    assert set(ran) == {str(number) for number in NUMBERS}
    assert len(ran) <= 20 + 5 * KILLS, "only activities that ran at a kill run again"


def test_a_foreign_data_file_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "functions.db").write_bytes(b"this is no database, but a person's file" * 100)

    status, line = outcome("--app", str(APP), "--data", str(tmp_path))

    assert status == 2
    assert "can't be used" in line
    assert (tmp_path / "functions.db").read_bytes().startswith(b"this is no database")


def test_a_second_host_on_the_same_data_is_refused(tmp_path: Path) -> None:
    process = launch(tmp_path, free_port())
    try:
        status, line = outcome("--app", str(APP), "--data", str(tmp_path))
    finally:
        process.kill()
        process.wait()

    assert status == 2
    assert "is in use by another host" in line


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    port = free_port()
    process = launch(tmp_path / "one", port)
    try:
        status, line = outcome("--app", str(APP), "--data", str(tmp_path / "two"), "--port", str(port))
    finally:
        process.kill()
        process.wait()

    assert status == 2
    assert f"port {port}" in line.splitlines()[-1]
