"""A caller of the model through the app's own clients, and the controls of the scripted model service."""

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
AMPLE_SECONDS = 60.0
"""The time for a question where the test is not about time: a busy machine may take long."""


class ModelCaller:
    """A model, its clients and the context of one attempt at a step."""

    def __init__(self, url: str, api: ModelApi = "responses", seconds: float = AMPLE_SECONDS, **settings: str) -> None:
        """Connect to the service at `url`; `settings` are added to those of the example."""
        environment = {**EXAMPLE, "MODEL_BASE_URL": url, "MODEL_API": api, **settings}
        self.clients = Clients(settings_from(environment, lambda vault, name: ""), seconds)
        self.new_attempt()

    def new_attempt(self, *, last_attempt: bool = False, token: str | None = None) -> "ModelCaller":
        """Begin another attempt at the step, in the same process."""
        self.step_context = StepContext(last_attempt=last_attempt, token=token)
        self.model = self.clients.model(self.step_context)
        return self

    async def ask(self) -> DraftReply:
        return await self.model.ask("executor", QUESTION, DraftReply)

    async def ask_and_close(self) -> DraftReply:
        try:
            return await self.ask()
        finally:
            await self.clients.close()


def script(url: str, *calls: dict[str, Any], agent: str = "executor") -> None:
    """Tell the service at `url`, which ends with /v1/, how to answer the agent's next calls."""
    body = json.dumps({"agent": agent, "calls": calls}).encode()
    urlopen(Request(_control(url, "script"), data=body), timeout=60).close()  # noqa: S310 - loopback


def reset(url: str) -> None:
    """Delete the script and the list of calls."""
    for path in ("script", "calls"):
        urlopen(Request(_control(url, path), method="DELETE"), timeout=60).close()  # noqa: S310


def calls(url: str, agent: str = "executor") -> list[dict[str, Any]]:
    """Return the agent's calls since the last reset."""
    with urlopen(_control(url, "calls"), timeout=60) as answer:  # noqa: S310
        all_calls: list[dict[str, Any]] = json.loads(answer.read())["calls"]
    return [call for call in all_calls if call["agent"] == agent]


def _control(url: str, path: str) -> str:
    return url.replace("/v1/", f"/control/{path}")
