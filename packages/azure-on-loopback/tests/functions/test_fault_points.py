"""The host dies at each point where it could leave something half done, and goes on as if nothing had happened."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.error import URLError

import pytest

from loopback.functions.clock import MovableClock
from loopback.functions.fault_points import DIE_AT, EXIT_STATUS, POINTS
from loopback.functions.testing import Answer, DurableHost
from loopback.serving import free_port

APP = Path(__file__).parent / "apps" / "durability"
BASE = "/runtime/webhooks/durabletask"
SECONDS = 30


class MortalHost:
    """A host process that is started anew when it has died, and the scenario that runs on it."""

    def __init__(self, folder: Path, point: str) -> None:
        self.folder = folder
        self.deaths = 0
        self.port = free_port()
        self.host = DurableHost(f"http://127.0.0.1:{self.port}", MovableClock())
        (folder / "files").mkdir()
        self.process = self._launch({DIE_AT: point} if point else {})

    def _launch(self, extra: dict[str, str]) -> subprocess.Popen[bytes]:
        options = ["--app", str(APP), "--data", str(self.folder / "data"), "--port", str(self.port)]
        command = [sys.executable, "-m", "loopback", "functions", *options]
        environment = {**os.environ, "DURABILITY_FOLDER": str(self.folder / "files"), **extra}
        return subprocess.Popen(command, stderr=subprocess.DEVNULL, env=environment)  # noqa: S603

    def call(self, method: str, path: str, body: Any = None) -> Answer:
        """Send a request again and again until there is an answer."""
        return self._until(lambda: self.host.call(method, path, body), lambda _: True)

    def _until(self, send: Callable[[], Answer], accept: Callable[[Answer], bool]) -> Answer:
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                assert self.process.returncode == EXIT_STATUS
                self.deaths += 1
                self.process = self._launch({})
            try:
                answer = send()
            except (URLError, OSError):
                time.sleep(0.02)
                continue
            if accept(answer):
                return answer
            time.sleep(0.01)
        raise AssertionError(f"no answer that is accepted within {SECONDS} seconds")

    def run(self, name: str, status: str = "Completed", body: Any = None) -> dict[str, Any]:
        """Start an instance unless it is there, and return its state as soon as it has this status."""
        self.call("POST", f"{BASE}/orchestrators/{name}/{name}", body)
        return self.wait_for(name, status)

    def wait_for(self, instance: str, status: str) -> dict[str, Any]:
        path = f"{BASE}/instances/{instance}"
        answer = self._until(
            lambda: self.host.call("GET", path),
            lambda answer: answer.status < 300 and answer.json["runtimeStatus"] == status,
        )
        return dict(answer.json)

    def change(self, instance: str, verb: str, status: str) -> dict[str, Any]:
        self.call("POST", f"{BASE}/instances/{instance}/{verb}?reason=test")
        return self.wait_for(instance, status)

    def run_scenario(self) -> dict[str, Any]:
        """Run the whole scenario and return its results."""
        self.call("POST", f"{BASE}/entities/names/all?op=add", '"outside"')
        self.call("POST", "/admin/functions/queued", {"input": "x"})
        self.call("POST", f"{BASE}/orchestrators/everything/everything", {"round": 1})
        self.run("waits", "Running")
        self.change("waits", "suspend", "Suspended")
        self.call("POST", f"{BASE}/instances/waits/raiseEvent/Answer", 42)
        answered = self.change("waits", "resume", "Completed")["output"]
        self.call("POST", f"{BASE}/orchestrators/waits/victim")
        victim = self.change("victim", "terminate", "Terminated")["output"]
        self._until(lambda: self.host.call("DELETE", f"{BASE}/instances/victim"), lambda answer: answer.status == 404)
        self.run("fails_first", "Failed")
        (self.folder / "files" / "mended").touch()
        mended = self.change("fails_first", "rewind", "Completed")["output"]
        path = f"{BASE}/instances/everything"
        self._until(lambda: self.host.call("GET", path), lambda answer: answer.json["customStatus"] is not None)
        self.call("POST", f"{path}/raiseEvent/Go", {"ok": True})
        output = self.wait_for("everything", "Completed")["output"]
        self._until(lambda: self.host.call("GET", f"{BASE}/entities/names/all"), lambda answer: len(answer.json) == 5)
        names = self.call("GET", f"{BASE}/entities/names/all").json
        self._until(
            lambda: self.host.call("GET", "/admin/host/status"), lambda _: self._has_files("ticked", "queued-x")
        )
        return {
            "answered": answered,
            "victim": victim,
            "mended": mended,
            "output": output,
            "names": names,
            "files": sorted(path.name for path in (self.folder / "files").iterdir()),
        }

    def _has_files(self, *names: str) -> bool:
        return all((self.folder / "files" / name).exists() for name in names)

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


MADE = [f"{round_}-{name}" for round_ in (1, 2) for name in ("a", "b", "c", "child")]
EXPECTED = {
    "answered": 42,
    "victim": "test",
    "mended": "mended",
    "output": {
        "before": ["1-a", "1-b", "1-c", "1-child"],
        "made": ["2-a", "2-b", "2-c"],
        "child": "2-child",
        "known": ["call-1", "call-2", "outside", "signal-1", "signal-2"],
        "go": {"ok": True},
    },
    "names": ["call-1", "call-2", "outside", "signal-1", "signal-2"],
    "files": sorted([*MADE, "before-failure", "mended", "queued-x", "ticked"]),
}


@pytest.mark.parametrize("point", ["", *POINTS, "episode: before commit:7", "activities: committed:4"])
def test_dying_anywhere_changes_nothing(tmp_path: Path, point: str) -> None:
    host = MortalHost(tmp_path, point)
    try:
        assert host.run_scenario() == EXPECTED
    finally:
        host.end()
    assert host.deaths == (1 if point else 0), "the point was reached, once"


def test_an_unknown_point_is_refused() -> None:
    command = [sys.executable, "-c", "import loopback.functions.fault_points"]
    environment = {**os.environ, DIE_AT: "nowhere"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603

    assert "names no fault point: 'nowhere'" in done.stderr
