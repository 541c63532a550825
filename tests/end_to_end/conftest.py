"""The whole product on loopback: the app and its two services as processes."""

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
from tests.services_on_loopback import ROOT

DOCUMENTS = {
    "tea/green.md": "# Green tea\n\nGreen tea needs water of 80 degrees. It steeps for three minutes.\n",
    "tea/black.rst": "Black tea\n=========\n\nBlack tea needs boiling water. It steeps for five minutes.\n",
    "coffee.html": "<h1>Coffee</h1><p>Coffee beans are ground shortly before brewing.</p>",
    "log.txt": "The kettle was descaled in March and the filter was replaced in May.",
}


@dataclass
class Product:
    """The running product, called over HTTP."""

    url: str
    search: str
    model: str
    data: Path
    """Folder of all its state."""

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: dict[str, str] | None = None,
        base: str | None = None,
    ) -> tuple[int, Any]:
        """Return (status, body as JSON)."""
        text = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        all_headers = {"Content-Type": "application/json", **(headers or {})}
        request = Request((base or self.url) + path, data=text, method=method, headers=all_headers)  # noqa: S310 - loopback
        try:
            with urlopen(request, timeout=120) as response:  # noqa: S310
                return response.status, json.loads(response.read() or b"null")
        except HTTPError as error:
            with error:
                return error.code, json.loads(error.read() or b"null")

    def achieve(self, goal: str, *, user: str = "", session_id: str = "", **options: Any) -> dict[str, Any]:
        """Run a goal to its end and return the outcome."""
        body = {"goal": goal, "user": user, "session_id": session_id, "options": options}
        status, answer = self.call("POST", "/api/goals?wait=100", body)
        assert status == 200, answer
        outcome: dict[str, Any] = answer
        return outcome

    def prompts(self, agent: str) -> list[str]:
        """Return the messages that the agent was sent, as JSON texts."""
        _, answer = self.call("GET", "/control/calls?content=1", base=self.model)
        return [call["content"] for call in answer["calls"] if call["agent"] == agent]

    def last_prompt(self, agent: str) -> dict[str, Any]:
        """Return the last message that the agent was sent."""
        prompt: dict[str, Any] = json.loads(self.prompts(agent)[-1])
        return prompt

    def script(self, agent: str, *calls: dict[str, Any]) -> None:
        """Script the model's next calls of an agent."""
        self.call("POST", "/control/script", {"agent": agent, "calls": list(calls)}, base=self.model)

    def fail_search(self, **fault: Any) -> None:
        """Make the search service fail."""
        self.call("POST", "/control/faults", fault, base=self.search)

    def heal(self) -> None:
        """Remove all scripts and faults."""
        self.call("DELETE", "/control/script", base=self.model)
        self.call("DELETE", "/control/faults", base=self.search)


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """Run one cloud for all tests, with a few documents in its index."""
    data = tmp_path_factory.mktemp("cloud")
    up = threading.Event()
    down = threading.Event()
    clouds: list[Cloud] = []

    async def hold() -> None:
        try:
            async with cloud(ROOT, data, Ports()) as started:
                clouds.append(started)
                up.set()
                await asyncio.to_thread(down.wait)
        finally:
            up.set()

    thread = threading.Thread(target=lambda: asyncio.run(hold()))
    thread.start()
    up.wait(60)
    assert clouds, "the cloud did not start"
    origins = {server.name: server.health_url.rsplit("/", 1)[0] for server in clouds[0].servers}
    product = Product(clouds[0].app_url, origins["search service"], origins["model service"], data)
    documents = [{"source": source, "content": content} for source, content in DOCUMENTS.items()]
    status, report = product.call("POST", "/api/documents", {"documents": documents, "wait": 60})
    assert (status, report["report"]["documents"]) == (200, len(DOCUMENTS))
    yield product
    down.set()
    thread.join(30)


@pytest.fixture
def product(running: Product) -> Iterator[Product]:
    """Return the running product and heal it afterwards."""
    yield running
    running.heal()
