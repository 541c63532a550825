"""`python -m benchmarks.model_swarm [--json]`: what a crowd of agents costs a model that bears little at once.

`AGENTS` agents ask at once a service that answers 429 above `BEARS` calls under way; who is refused comes back after
a pause, as an orchestrator does. Reports the refusals: through the product's clients, and with the SDK alone. Then as
many texts are embedded, each asked for by itself at a random moment of a while; reports the requests that it takes.
"""

import asyncio
import random
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
from openai import AsyncOpenAI, RateLimitError

from benchmarks.report import show
from loopback.serving import in_thread
from murmuration.cli.cloud import local_settings, model_app
from murmuration.contracts.replies import SummaryReply
from murmuration.services.clients import Clients
from murmuration.services.errors import RetryLater
from murmuration.services.identity.secrets import read_secret
from murmuration.services.settings import settings_from
from murmuration.services.step_context import StepContext

AGENTS = 200
BEARS = 10
SECONDS_A_CALL = 0.05
SPREADS = (0.0, 0.05, 0.5, 2.0)


async def crowd(ask: Callable[[], Awaitable[object]], *, pause: float = 0.05) -> int:
    """All agents, until each has its answer; how often one had to come back."""

    async def agent() -> int:
        attempt = 0
        while True:
            try:
                await ask()
            except (RetryLater, RateLimitError):
                await asyncio.sleep(pause * 2 ** min(attempt, 6))
                attempt += 1
            else:
                return attempt

    return sum(await asyncio.gather(*(agent() for _ in range(AGENTS))))


async def requests_for(clients: Clients, calls: Callable[[], Awaitable[int]], seconds: float) -> int:
    """How many requests embed a text an agent, asked for within so many seconds."""
    moments = random.Random(1)
    before = await calls()

    async def agent(number: int) -> None:
        await asyncio.sleep(moments.uniform(0, seconds))
        await clients.model(StepContext(last_attempt=True)).embed([f"text {number}"])

    await asyncio.gather(*(agent(number) for number in range(AGENTS)))
    return await calls() - before


async def measure(server: str, data: Path) -> dict[str, float | int | str | None]:
    port = int(server.rpartition(":")[2])
    clients = Clients(settings_from(local_settings({}, data, 1, port), read_secret))
    alone = AsyncOpenAI(base_url=f"{server}/v1/", api_key="local", max_retries=0)
    async with aiohttp.ClientSession(server) as control, alone:

        async def calls() -> int:
            async with control.get("/control/calls") as answer:
                return sum(each["agent"] == "embeddings" for each in (await answer.json())["calls"])

        limited = {"at_once": BEARS, "delay": SECONDS_A_CALL, "repeat": True, "reply": {"summary": "s"}}
        await control.post("/control/script", json={"agent": "*", "calls": [limited]})
        model = clients.model(StepContext(last_attempt=False))
        figures: dict[str, float | int | str | None] = {
            "agents": AGENTS,
            "refused": await crowd(lambda: model.ask("summarizer", {"summary": "", "turns": []}, SummaryReply)),
            "refused, the SDK alone": await crowd(lambda: alone.responses.create(model="m", input="{}")),
        }
        await control.delete("/control/script")
        for seconds in SPREADS:
            figures[f"requests to embed, within {seconds} s"] = await requests_for(clients, calls, seconds)
        await clients.close()
    return figures


def main() -> None:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name, in_thread(model_app) as server:
        show(asyncio.run(measure(server, Path(name))))


if __name__ == "__main__":
    main()
