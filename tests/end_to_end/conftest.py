"""The whole product on loopback: the three servers as processes, the app as it is."""

import asyncio
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from murmuration.cli.cloud import Cloud, Ports, cloud

DOCUMENTS = {
    "tea/green.md": "# Green tea\n\nGreen tea needs water of 80 degrees. It steeps for three minutes.\n",
    "tea/black.rst": "Black tea\n=========\n\nBlack tea needs boiling water. It steeps for five minutes.\n",
    "coffee.html": "<h1>Coffee</h1><p>Coffee beans are ground shortly before brewing.</p>",
    "log.txt": "The kettle was descaled in March and the filter was replaced in May.",
}


@dataclass
class Product:
    """Calls the product over HTTP."""

    url: str
    search: str
    model: str
    data: Path
    """Where all of it is kept."""

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: dict[str, str] | None = None,
        base: str | None = None,
    ) -> tuple[int, Any]:
        """(status, body as JSON)."""
        text = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        sent = {"Content-Type": "application/json", **(headers or {})}
        request = Request((base or self.url) + path, data=text, method=method, headers=sent)  # noqa: S310 - loopback
        try:
            with urlopen(request, timeout=120) as answer:  # noqa: S310
                return answer.status, json.loads(answer.read() or b"null")
        except HTTPError as error:
            with error:
                return error.code, json.loads(error.read() or b"null")

    def achieve(self, goal: str, *, user: str = "", session_id: str = "", **options: Any) -> dict[str, Any]:
        """Run a goal to its end; returns the outcome."""
        body = {"goal": goal, "user": user, "session_id": session_id, "options": options}
        status, outcome = self.call("POST", "/api/goals?wait=100", body)
        assert status == 200, outcome
        found: dict[str, Any] = outcome
        return found

    def asked(self, agent: str) -> dict[str, Any]:
        """The last message that the agent was sent."""
        _, seen = self.call("GET", "/control/calls?content=1", base=self.model)
        found: dict[str, Any] = json.loads([each for each in seen["calls"] if each["agent"] == agent][-1]["content"])
        return found

    def script(self, agent: str, *calls: dict[str, Any]) -> None:
        self.call("POST", "/control/script", {"agent": agent, "calls": list(calls)}, base=self.model)

    def fault(self, **fault: Any) -> None:
        self.call("POST", "/control/faults", fault, base=self.search)

    def heal(self) -> None:
        self.call("DELETE", "/control/script", base=self.model)
        self.call("DELETE", "/control/faults", base=self.search)


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """One cloud for all tests, with a few documents read."""
    data = tmp_path_factory.mktemp("cloud")
    up = threading.Event()
    down = threading.Event()
    found: list[Cloud] = []

    async def hold() -> None:
        try:
            async with cloud(data, Ports()) as started:
                found.append(started)
                up.set()
                await asyncio.to_thread(down.wait)
        finally:
            up.set()

    thread = threading.Thread(target=lambda: asyncio.run(hold()))
    thread.start()
    up.wait(60)
    assert found, "the cloud did not start"
    origins = {server.name: server.health.rsplit("/", 1)[0] for server in found[0].servers}
    product = Product(found[0].app_url, origins["search service"], origins["model service"], data)
    documents = [{"source": source, "content": content} for source, content in DOCUMENTS.items()]
    status, report = product.call("POST", "/api/documents", {"documents": documents, "wait": 60})
    assert (status, report["report"]["documents"]) == (200, len(DOCUMENTS))
    yield product
    down.set()
    thread.join(30)


@pytest.fixture
def product(running: Product) -> Iterator[Product]:
    """The running product, healthy before and after."""
    yield running
    running.heal()
