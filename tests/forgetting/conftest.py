"""The app on a host in this process, whose clock can be advanced, with the real search and model services."""

import asyncio
import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.request import Request, urlopen

import pytest
from aiohttp import web
from aiohttp.typedefs import Handler

from loopback.functions.clock import MovableClock
from loopback.functions.host import Options, make_app
from loopback.functions.testing import DurableHost
from loopback.search.routes import make_app as make_search
from loopback.serving import in_thread
from murmuration.cli.local_settings import SEARCH_KEY, local_settings
from murmuration.services.current import current_clients, current_settings
from murmuration.services.search.index import index_name
from murmuration.services.search.migration import migrate
from murmuration.services.settings import Settings
from tests.services_on_loopback import ROOT, model_app

TENANT = "acme"
MAX_SECONDS = 600
"""Ends a test that would wait for ever. It is no measure of speed: a busy machine may take long."""


class HeldModel:
    """The model service, which can hold back its answers to one agent."""

    def __init__(self) -> None:
        self._agent = ""
        self.calls = 0
        """Calls that are held, or were."""

    def hold(self, agent: str) -> None:
        self._agent, self.calls = agent, 0

    def release(self) -> None:
        self._agent = ""

    async def make(self) -> web.Application:
        app = await model_app()
        app.middlewares.append(self._middleware)
        return app

    @web.middleware
    async def _middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if self._agent and f'"{self._agent}"' in await request.text():
            self.calls += 1
            while self._agent:  # noqa: ASYNC110 - the test releases it from another thread
                await asyncio.sleep(0.02)
        return await handler(request)


@dataclass
class App:
    """The app over HTTP, and the services and the storage that it uses."""

    host: DurableHost
    search: str
    model: HeldModel
    data: Path
    settings: Settings

    def achieve(self, goal: str, key: str = "", **fields: Any) -> dict[str, Any]:
        """Post a goal, with an idempotency key if one is given, and return its outcome, which must be completed."""
        headers = {"Idempotency_Key": key} if key else {}
        run = self._post_to_app("/api/goals", {"goal": goal, **fields}, **headers)
        outcome: dict[str, Any] = self._end_of(f"/api/goals/{run}")["outcome"]
        assert outcome["status"] == "completed", outcome
        return outcome

    def read(self, documents: dict[str, str], user: str = "") -> str:
        """Post documents and wait until they are read; returns the id of the run."""
        uploads = [{"source": source, "content": content} for source, content in documents.items()]
        run = self._post_to_app("/api/documents", {"documents": uploads, "user": user})
        assert self._end_of(f"/api/documents/{run}")["status"] == "completed"
        return run

    def forget(self, body: dict[str, Any], **headers: str) -> dict[str, Any]:
        """Start a deletion, pass its pauses, and return its status with the receipt."""
        return self.end_of_deletion(self.start_deletion(body, **headers))

    def start_deletion(self, body: dict[str, Any], **headers: str) -> str:
        return self._post_to_app("/api/forget", body, **headers)

    def end_of_deletion(self, run: str) -> dict[str, Any]:
        """Advance the host's clock until the run ends, and return its status with the receipt."""
        return self._end_of(f"/api/forget/{run}", advance=timedelta(seconds=60))

    def completed_steps(self, run: str, step: str) -> int:
        """Return how many calls of a step a run's history holds as completed."""
        history = self.host.recorded(run)
        scheduled = {event["EventId"] for event in history.events if event.get("Name") == step}
        return sum(event.get("TaskScheduledId") in scheduled for event in history.events)

    def rows(self, kind: str, condition: str = f"tenant eq '{TENANT}'") -> list[dict[str, Any]]:
        name = index_name(kind, self.settings.embedding_model, self.settings.embedding_dimensions)
        path = f"/indexes/{name}/docs/search?api-version=2025-09-01"
        query = {"search": "*", "filter": condition, "top": 1000, "orderby": "id"}
        rows: list[dict[str, Any]] = self._post(self.search + path, query)["value"]
        return rows

    def write_row(self, kind: str, **row: Any) -> None:
        name = index_name(kind, self.settings.embedding_model, self.settings.embedding_dimensions)
        path = f"/indexes/{name}/docs/index?api-version=2025-09-01"
        self._post(self.search + path, {"value": [{"@search.action": "upload", **row}]})

    def lag(self, seconds: float) -> None:
        self._post(f"{self.search}/control/visibility-lag", {"seconds": seconds})

    def objects(self, *words: str) -> list[str]:
        """Return the names of all objects of the store, or of those that hold one of these words."""
        files = [path for path in (self.data / "artifacts").rglob("*") if path.is_file()]
        return sorted(
            file.relative_to(self.data / "artifacts").as_posix()
            for file in files
            if not words or any(word in file.read_text(errors="replace") for word in words)
        )

    def has_history(self, run: str) -> bool:
        path = f"/runtime/webhooks/durabletask/instances/{quote(run)}"
        return self.host.call("GET", path).status != 404

    def _post_to_app(self, path: str, body: dict[str, Any], **headers: str) -> str:
        answer = self.host.call("POST", path, body, **headers)
        assert answer.status in (200, 202), answer.content
        return str(answer.json["id"])

    def _end_of(self, path: str, advance: timedelta = timedelta(0)) -> dict[str, Any]:
        state: dict[str, Any] = {}

        def has_ended() -> bool:
            state.update(self.host.call("GET", path).json)
            if state["status"] in ("pending", "running") and advance:
                self.host.advance(advance)
            return state["status"] not in ("pending", "running")

        wait_until(has_ended)
        return state

    def _post(self, url: str, body: Any) -> Any:
        headers = {"Content-Type": "application/json", "api-key": SEARCH_KEY}
        with urlopen(Request(url, data=json.dumps(body).encode(), headers=headers)) as answer:  # noqa: S310 - loopback
            return json.loads(answer.read() or b"null")


def wait_until(condition: Callable[[], bool]) -> None:
    """Poll a condition until it is true."""
    deadline = time.monotonic() + MAX_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    data = tmp_path_factory.mktemp("forgetting")
    clock, held_model = MovableClock(), HeldModel()

    async def close(_: web.Application) -> None:
        await current_clients().close()

    async def make() -> web.Application:
        host = await make_app(ROOT, Options(data / "functions", clock=clock))
        host.on_cleanup.append(close)
        return host

    with (
        in_thread(lambda: make_search(data / "search", SEARCH_KEY)) as search,
        in_thread(held_model.make) as model,
        pytest.MonkeyPatch.context() as patch,
    ):
        ports = [int(url.rpartition(":")[2]) for url in (search, model)]
        own = {"TENANT": TENANT, "APPROVAL_SECRET": "a secret of this test alone, and long"}
        for name, value in {**local_settings({}, data, *ports), **own}.items():
            patch.setenv(name, value)
        current_settings.cache_clear()
        current_clients.cache_clear()
        migrate(current_settings())
        with in_thread(make) as url:
            yield App(DurableHost(url, clock), search, held_model, data, current_settings())
        current_settings.cache_clear()
        current_clients.cache_clear()
        sys.modules.pop("function_app", None)  # the next test loads an app of its own
