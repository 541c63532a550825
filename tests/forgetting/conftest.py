"""The app on a host of this process, whose clock can be moved on, with the real search and model servers beside it."""

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.request import Request, urlopen

import pytest
from aiohttp import web

from loopback.functions.clock import MovableClock
from loopback.functions.host import Options, make_app
from loopback.functions.testing import DurableHost
from loopback.search.routes import make_app as make_search
from loopback.serving import in_thread
from murmuration.cli.local_settings import SEARCH_KEY, local_settings
from murmuration.services.clients import current_clients
from murmuration.services.current import current_settings
from murmuration.services.search.index import index_name
from murmuration.services.search.migration import migrate
from murmuration.services.settings import Settings
from tests.services_on_loopback import ROOT, model_app

TENANT = "acme"
SOON_SECONDS = 30


@dataclass
class App:
    """The app over HTTP, and what lies behind it."""

    host: DurableHost
    search: str
    model: str
    data: Path
    settings: Settings

    def achieve(self, goal: str, **more: Any) -> dict[str, Any]:
        answer = self.host.call("POST", "/api/goals?wait=60", {"goal": goal, **more})
        assert answer.status == 200, answer.content
        outcome: dict[str, Any] = answer.json
        assert outcome["status"] == "completed", outcome
        return outcome

    def read(self, documents: dict[str, str], user: str = "") -> str:
        rows = [{"source": source, "content": content} for source, content in documents.items()]
        answer = self.host.call("POST", "/api/documents?wait=60", {"documents": rows, "user": user})
        assert answer.status == 200, answer.content
        return str(answer.json["id"])

    def forget(self, body: dict[str, Any], *, pace: float = 60, **headers: str) -> dict[str, Any]:
        """Ask for it, let the pauses pass, return what the API shows at the end.

        `pace`: by how many seconds the host's clock is moved on ten times a second.
        """
        answer = self.host.call("POST", "/api/forget", body, **headers)
        assert answer.status in (200, 202), answer.content
        return self.end_of(answer.json["id"], pace=pace)

    def end_of(self, run: str, *, pace: float = 60) -> dict[str, Any]:
        deadline = time.monotonic() + 3 * SOON_SECONDS
        while time.monotonic() < deadline:
            shown: dict[str, Any] = self.host.call("GET", f"/api/forget/{run}").json
            if shown["status"] not in ("pending", "running"):
                return shown
            time.sleep(0.1)
            self.host.advance(timedelta(seconds=pace))
        raise AssertionError(f"not at its end: {shown}")

    def rows(self, kind: str, condition: str = f"tenant eq '{TENANT}'") -> list[dict[str, Any]]:
        name = index_name(kind, self.settings.embedding_model, self.settings.embedding_dimensions)
        path = f"/indexes/{name}/docs/search?api-version=2025-09-01"
        found: list[dict[str, Any]] = self._post(
            self.search + path, {"search": "*", "filter": condition, "top": 1000, "orderby": "id"}
        )["value"]
        return found

    def write_row(self, kind: str, **row: Any) -> None:
        name = index_name(kind, self.settings.embedding_model, self.settings.embedding_dimensions)
        path = f"/indexes/{name}/docs/index?api-version=2025-09-01"
        self._post(self.search + path, {"value": [{"@search.action": "upload", **row}]})

    def lag(self, seconds: float) -> None:
        self._post(f"{self.search}/control/visibility-lag", {"seconds": seconds})

    def slow(self, agent: str, seconds: float) -> None:
        self._post(f"{self.model}/control/script", {"agent": agent, "calls": [{"delay": seconds}]})

    def kept(self, *words: str) -> list[str]:
        """Names of all objects of the store, or of those that hold one of these words."""
        files = [each for each in (self.data / "artifacts").rglob("*") if each.is_file()]
        return sorted(
            file.relative_to(self.data / "artifacts").as_posix()
            for file in files
            if not words or any(word in file.read_text(errors="replace") for word in words)
        )

    def is_known(self, run: str) -> bool:
        path = f"/runtime/webhooks/durabletask/instances/{quote(run)}"
        return self.host.call("GET", path).status != 404

    def _post(self, url: str, body: Any) -> Any:
        headers = {"Content-Type": "application/json", "api-key": SEARCH_KEY}
        with urlopen(Request(url, data=json.dumps(body).encode(), headers=headers)) as answer:  # noqa: S310 - loopback
            return json.loads(answer.read() or b"null")


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    data = tmp_path_factory.mktemp("forgetting")
    clock = MovableClock()

    async def close(_: web.Application) -> None:
        await current_clients().close()

    async def make() -> web.Application:
        made = await make_app(ROOT, Options(data / "functions", clock=clock))
        made.on_cleanup.append(close)
        return made

    with (
        in_thread(lambda: make_search(data / "search", SEARCH_KEY)) as search,
        in_thread(model_app) as model,
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
            yield App(DurableHost(url, clock), search, model, data, current_settings())
        current_settings.cache_clear()
        current_clients.cache_clear()
        sys.modules.pop("function_app", None)  # the next app of this process is not the successor of this one
