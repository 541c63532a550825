"""kill -9 of the host at random moments of a goal's run changes nothing in its outcome."""

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from azure.core.credentials import AzureKeyCredential
from azure.search.documents import SearchClient

from loopback.serving import free_port
from murmuration.cli.local_settings import SEARCH_KEY, SKILLS, local_settings
from murmuration.services.search.index import MEMORY, index_name
from tests.end_to_end.conftest import DOCUMENTS
from tests.end_to_end.test_product import GOAL
from tests.services_on_loopback import ROOT

KILLS = 20
MODEL_SECONDS = 0.25
"""Duration of each model call, so that kills hit a run at different moments."""


class Servers:
    """The app and its two services as processes; the host can be killed and started again."""

    def __init__(self, data: Path, app: Path = ROOT, **own_settings: str) -> None:
        self._data = data
        self._app = app
        self._ports = {name: free_port() for name in ("host", "search", "model")}
        settings = local_settings({}, data, self._ports["search"], self._ports["model"])
        self._environment = {**os.environ, **settings, **own_settings}
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self) -> None:
        """Start the services, make the indexes, and start the host."""
        search = ["--data", str(self._data / "search"), "--key", SEARCH_KEY]
        self._launch("search", "search", "/healthz", *search)
        self._launch("model", "model", "/healthz", "--skills", SKILLS)
        command = [sys.executable, "-m", "murmuration.services.search", "migrate"]
        subprocess.run(command, env=self._environment, check=True, stderr=subprocess.DEVNULL)  # noqa: S603
        self.start_host()

    def start_host(self, **changed_settings: str) -> None:
        """Start the host, with changed settings from now on."""
        self._environment |= changed_settings
        arguments = ["--app", str(self._app), "--data", str(self._data / "functions")]
        self._launch("host", "functions", "/admin/host/status", *arguments)

    def kill_host(self) -> None:
        """Kill the host as `kill -9` does."""
        self._processes["host"].kill()
        self._processes["host"].wait()

    def empty_memory(self) -> None:
        """Delete all memories, because memories of earlier runs would change the planner's prompt."""
        url = f"http://127.0.0.1:{self._ports['search']}"
        with SearchClient(url, index_name(MEMORY, "local-hash", 384), AzureKeyCredential(SEARCH_KEY)) as client:
            client.delete_documents([{"id": row["id"]} for row in client.search("*", select=["id"])])

    def stop(self) -> None:
        """Kill all processes."""
        for process in self._processes.values():
            process.kill()
            process.wait()

    def _launch(self, name: str, server: str, health: str, *arguments: str) -> None:
        command = [sys.executable, "-m", "loopback", server, "--port", str(self._ports[name]), *arguments]
        process = subprocess.Popen(command, env=self._environment, stderr=subprocess.DEVNULL)  # noqa: S603
        self._processes[name] = process
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                self.call("GET", name, health)
            except OSError:
                assert process.poll() is None, f"{server} did not start"
                time.sleep(0.02)
            else:
                return
        raise AssertionError(f"{server} does not answer")

    def call(self, method: str, server: str, path: str, body: Any = None, **headers: str) -> Any:
        """Return the JSON of the answer; header names have _ for -."""
        text = None if body is None else json.dumps(body).encode()
        url = f"http://127.0.0.1:{self._ports[server]}{path}"
        own_headers = {name.replace("_", "-"): header for name, header in headers.items()}
        all_headers = {"Content-Type": "application/json", **own_headers}
        request = Request(url, data=text, method=method, headers=all_headers)
        with urlopen(request, timeout=60) as response:  # noqa: S310
            return json.loads(response.read() or b"null")


@contextmanager
def running(data: Path, app: Path = ROOT, **own_settings: str) -> Iterator[Servers]:
    """Run the servers with a few documents in the index."""
    servers = Servers(data, app, **own_settings)
    try:
        servers.start()
        documents = [{"source": source, "content": content} for source, content in DOCUMENTS.items()]
        servers.call("POST", "host", "/api/documents", {"documents": documents, "wait": 60})
        slow = {"agent": "*", "calls": [{"delay": MODEL_SECONDS, "repeat": True}]}
        servers.call("POST", "model", "/control/script", slow)
        yield servers
    finally:
        servers.stop()


def test_the_outcome_is_the_same_after_twenty_kills(tmp_path: Path) -> None:
    seed = random.randrange(10**6)
    chance = random.Random(seed)
    kills = 0
    outcomes: list[Any] = []
    with running(tmp_path) as servers:
        undisturbed = servers.call("POST", "host", "/api/goals?wait=60", {"goal": GOAL})
        while kills < KILLS:
            servers.empty_memory()
            run = servers.call("POST", "host", "/api/goals", {"goal": GOAL})["id"]
            while (state := servers.call("GET", "host", f"/api/goals/{run}"))["outcome"] is None:
                time.sleep(chance.uniform(0, 0.4))
                if kills < KILLS:
                    kills += 1
                    servers.kill_host()
                    servers.start_host()
            outcomes.append(state["outcome"])

    assert undisturbed["status"] == "completed"
    for outcome in outcomes:
        assert outcome == undisturbed, f"seed {seed}"
