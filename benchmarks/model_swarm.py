"""`python -m benchmarks.model_swarm [--json]`: many agents and a model service that bears few calls at once.

`AGENTS` agents call a service at once that answers 429 above `MODEL_CONCURRENCY` calls; a refused agent tries again
after a pause, as an orchestrator does. Reports the refusals through the product's clients and with the SDK alone. Then
as many texts are embedded, each in a call of its own at a random moment; reports the number of requests.
"""

import asyncio
import random
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
from openai import AsyncOpenAI, RateLimitError

from benchmarks.report import make_parser, show
from loopback.serving import in_thread
from murmuration.cli.local_settings import local_settings
from murmuration.contracts.replies import SummaryReply
from murmuration.services.clients import Clients
from murmuration.services.errors import RetryLater
from murmuration.services.identity.secrets import read_secret
from murmuration.services.settings import settings_from
from murmuration.services.step_context import StepContext
from tests.services_on_loopback import model_app

AGENTS = 200
MODEL_CONCURRENCY = 10
CALL_SECONDS = 0.05
SPREADS = (0.0, 0.05, 0.5, 2.0)


async def crowd(ask: Callable[[], Awaitable[object]], *, pause: float = 0.05) -> int:
    """Call `ask` once an agent until each has its answer; returns the number of refusals."""

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
    """Embed a text an agent within so many seconds; returns the number of requests."""
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
                return sum(call["agent"] == "embeddings" for call in (await answer.json())["calls"])

        limited = {"at_once": MODEL_CONCURRENCY, "delay": CALL_SECONDS, "repeat": True, "reply": {"summary": "s"}}
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
    options = make_parser(__doc__).parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name, in_thread(model_app) as server:
        show(asyncio.run(measure(server, Path(name))), as_json=options.json)


if __name__ == "__main__":
    main()
