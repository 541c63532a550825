"""The product's clients on search and model servers on loopback, in threads of this process."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from aiohttp import web

from loopback.model.routes import make_app as make_model
from loopback.model.skills import load_skills
from loopback.search.routes import make_app as make_search
from loopback.serving import in_thread
from murmuration.cli.local_settings import SEARCH_KEY, SKILLS, local_settings
from murmuration.services.clients import Clients
from murmuration.services.search.migration import migrate
from murmuration.services.settings import Settings, settings_from

ROOT = Path(__file__).resolve().parents[1]


async def model_app() -> web.Application:
    """Make the model service with the skills of our agents."""
    return await make_model(skills=load_skills(SKILLS))


class Servers:
    """The two servers: their URLs, settings for them, and their faults."""

    def __init__(self, data: Path, search: str, model: str) -> None:
        self._data = data
        self.search, self.model = search, model

    def settings(self, **others: str) -> Settings:
        """Return settings of the laptop, overridden by `others`."""
        return settings_from({**self.setting_values(), **others}, lambda vault, name: "")

    def setting_values(self) -> dict[str, str]:
        """Return the values of those settings, by name."""
        ports = [int(url.rpartition(":")[2]) for url in (self.search, self.model)]
        return local_settings({}, self._data, *ports)

    def clients(self, **others: str) -> Clients:
        """Make the indexes and return clients; the caller closes them."""
        settings = self.settings(**others)
        migrate(settings)
        return Clients(settings)

    def script(self, agent: str, *calls: dict[str, Any]) -> None:
        """Script the model's next calls of an agent, or of `embeddings`."""
        post(f"{self.model}/control/script", {"agent": agent, "calls": list(calls)})

    def fail_search(self, **fault: Any) -> None:
        """Make the search service fail."""
        post(f"{self.search}/control/faults", fault)

    def lag(self, seconds: float) -> None:
        """Delay the visibility of written documents."""
        post(f"{self.search}/control/visibility-lag", {"seconds": seconds})

    def calls(self) -> list[dict[str, Any]]:
        """Return the calls that the model has received, each with its last message."""
        with urlopen(f"{self.model}/control/calls?content=1") as response:  # noqa: S310 - loopback
            calls: list[dict[str, Any]] = json.loads(response.read())["calls"]
        return calls


def post(url: str, body: dict[str, Any]) -> None:
    """Send JSON and ignore the answer."""
    with urlopen(Request(url, data=json.dumps(body).encode())):  # noqa: S310 - loopback
        pass


@contextmanager
def servers(data: Path) -> Iterator[Servers]:
    """Run both servers, the search index below `data`."""
    with in_thread(lambda: make_search(data / "search", SEARCH_KEY)) as search, in_thread(model_app) as model:
        yield Servers(data, search, model)
