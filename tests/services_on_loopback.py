"""The product's clients on real search and model servers on loopback, in threads of the test's process."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from loopback.search.routes import make_app as make_search
from loopback.serving import in_thread
from murmuration.cli.cloud import SEARCH_KEY, local_settings, model_app
from murmuration.services.clients import Clients
from murmuration.services.search.__main__ import migrate
from murmuration.services.settings import Settings, settings_from


class Servers:
    """Where they are, how to make them fail, and settings that lead to them."""

    def __init__(self, data: Path, search: str, model: str) -> None:
        self._data = data
        self.search, self.model = search, model

    def settings(self, **others: str) -> Settings:
        """Those of the laptop, with `others` in their place."""
        ports = [int(url.rpartition(":")[2]) for url in (self.search, self.model)]
        return settings_from({**local_settings({}, self._data, *ports), **others}, lambda vault, name: "")

    def clients(self, **others: str) -> Clients:
        """With their indexes made. Whoever takes them closes them."""
        settings = self.settings(**others)
        migrate(settings)
        return Clients(settings)

    def script(self, agent: str, *calls: dict[str, Any]) -> None:
        """What the model does at the next calls of an agent, or of `embeddings`."""
        post(f"{self.model}/control/script", {"agent": agent, "calls": list(calls)})

    def fail_search(self, **fault: Any) -> None:
        post(f"{self.search}/control/faults", fault)

    def lag(self, seconds: float) -> None:
        """How long what is written can't be found."""
        post(f"{self.search}/control/visibility-lag", {"seconds": seconds})

    def calls(self) -> list[dict[str, Any]]:
        """What the model was asked."""
        with urlopen(f"{self.model}/control/calls") as answer:  # noqa: S310 - loopback
            found: list[dict[str, Any]] = json.loads(answer.read())["calls"]
        return found


def post(url: str, body: dict[str, Any]) -> None:
    with urlopen(Request(url, data=json.dumps(body).encode())):  # noqa: S310 - loopback
        pass


@contextmanager
def servers(data: Path) -> Iterator[Servers]:
    with in_thread(lambda: make_search(data / "search", SEARCH_KEY)) as search, in_thread(model_app) as model:
        yield Servers(data, search, model)
