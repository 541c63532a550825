"""A model behind the product's own clients, and servers that do what they are told."""

import json
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from murmuration.contracts.replies import DraftReply
from murmuration.services.clients import Clients
from murmuration.services.setting_values import ModelApi
from murmuration.services.settings import settings_from
from murmuration.services.step_context import StepContext

QUESTION: dict[str, Any] = {
    "goal": "tea",
    "instruction": "How hot is tea?",
    "passages": [{"number": 1, "source": "tea.md", "heading": "Tea", "text": "Tea needs water of 80 degrees."}],
}
EXAMPLE: dict[str, str] = json.loads(Path("local.settings.json.example").read_text(encoding="utf-8"))["Values"]
SECONDS = 3.0
"""How long a question may take."""


class Asked:
    """A model, its clients and its step_context. `url` is MODEL_BASE_URL; `others` are settings, too."""

    def __init__(self, url: str, api: ModelApi = "responses", **others: str) -> None:
        environment = {**EXAMPLE, "MODEL_BASE_URL": url, "MODEL_API": api, **others}
        self.clients = Clients(settings_from(environment, lambda vault, name: ""), SECONDS)
        self.begin()

    def begin(self, *, last_attempt: bool = False, token: str | None = None) -> "Asked":
        """Another attempt at a step, in the same process."""
        self.step_context = StepContext(last_attempt=last_attempt, token=token)
        self.model = self.clients.model(self.step_context)
        return self

    async def ask(self) -> DraftReply:
        return await self.model.ask("executor", QUESTION, DraftReply)

    async def answer(self) -> DraftReply:
        """As `ask`, and close the clients."""
        try:
            return await self.ask()
        finally:
            await self.clients.close()


def script(url: str, *calls: dict[str, Any], agent: str = "executor") -> None:
    """What the server at `url`, which ends with /v1/, does at the agent's next calls."""
    body = json.dumps({"agent": agent, "calls": calls}).encode()
    urlopen(Request(_control(url, "script"), data=body), timeout=5).close()  # noqa: S310 - loopback


def unscript(url: str) -> None:
    """Nothing is scripted any more, and no call was seen."""
    for what in ("script", "calls"):
        urlopen(Request(_control(url, what), method="DELETE"), timeout=5).close()  # noqa: S310


def calls(url: str, agent: str = "executor") -> list[dict[str, Any]]:
    """What the agent asked of the server."""
    with urlopen(_control(url, "calls"), timeout=5) as answer:  # noqa: S310
        found: list[dict[str, Any]] = json.loads(answer.read())["calls"]
    return [each for each in found if each["agent"] == agent]


def _control(url: str, what: str) -> str:
    return url.replace("/v1/", f"/control/{what}")
