"""The model through the real SDK, over both APIs, against a server that misbehaves on order."""

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from aiohttp import web
from openai import AsyncOpenAI

from contracts.replies import DraftReply
from local.model_service.routes import make_app
from local.serving import in_thread
from services.embeddings import EmbeddingBatcher
from services.errors import GiveUp, Refused, RetryLater, StepError
from services.ledger import Ledger
from services.model import ASKED_AGAIN, ModelClients, OpenAIModel, embedding_request
from services.settings import ModelApi, Settings, settings_from

QUESTION: dict[str, Any] = {
    "goal": "tea",
    "instruction": "How hot is tea?",
    "passages": [{"number": 1, "source": "tea.md", "heading": "Tea", "text": "Tea needs water of 80 degrees."}],
}
EXAMPLE = json.loads(Path("local.settings.json.example").read_text(encoding="utf-8"))["Values"]


def settings(url: str, api: ModelApi = "responses") -> Settings:
    found = settings_from({**EXAMPLE, "MODEL_BASE_URL": url}, lambda vault, name: "")
    return dataclasses.replace(found, model_api=api)


class Asked:
    """A model, its clients and its ledger."""

    def __init__(self, url: str, api: ModelApi = "responses") -> None:
        client = AsyncOpenAI(base_url=url, api_key="any", max_retries=0, timeout=3)
        own = settings(url, api)
        self.clients = ModelClients(client, EmbeddingBatcher(embedding_request(client, own)))
        self.ledger = Ledger(last_attempt=False)
        self.model = OpenAIModel(self.clients, own, self.ledger)

    async def answer(self) -> DraftReply:
        try:
            return await self.model.ask("executor", QUESTION, DraftReply)
        finally:
            await self.clients.chat.close()


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with in_thread(make_app) as url:
        yield url


@pytest.fixture
def url(server: str) -> Iterator[str]:
    yield f"{server}/v1/"
    urlopen(Request(f"{server}/control/script", method="DELETE"), timeout=5).close()  # noqa: S310 - loopback


def script(url: str, *calls: dict[str, Any], agent: str = "executor") -> None:
    body = json.dumps({"agent": agent, "calls": calls}).encode()
    urlopen(Request(url.replace("/v1/", "/control/script"), data=body), timeout=5).close()  # noqa: S310


APIS: tuple[ModelApi, ...] = ("responses", "chat")


@pytest.mark.anyio
@pytest.mark.parametrize("api", APIS)
async def test_both_apis_answer_and_are_charged(url: str, api: ModelApi) -> None:
    asked = Asked(url, api)

    reply = await asked.answer()

    assert reply.answer == "Tea needs water of 80 degrees [1]."
    assert asked.ledger.usage.model_calls == 1
    assert asked.ledger.usage.input_tokens > asked.ledger.usage.output_tokens > 5
    assert asked.ledger.prompts == {"executor": "2"}
    assert asked.ledger.models == {"murmuration-offline-1"}


@pytest.mark.anyio
@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize(
    ("call", "error", "code", "seconds"),
    [
        ({"status": 429, "retry_after": 7}, RetryLater, "rate_limited", 7),
        ({"status": 500}, RetryLater, "model_unavailable", None),
        ({"cut": True}, RetryLater, "model_unavailable", None),
        ({"delay": 4}, RetryLater, "model_timeout", None),
        ({"status": 400, "error": "content_filter"}, Refused, "content_filtered", None),
        ({"status": 400}, GiveUp, "model_rejected_request", None),
        ({"status": 401}, GiveUp, "model_rejected_request", None),
        ({"refusal": "no"}, Refused, "model_refused", None),
    ],
)
async def test_every_failure_has_its_meaning(
    url: str, api: ModelApi, call: dict[str, Any], error: type[StepError], code: str, seconds: float | None
) -> None:
    script(url, call)

    with pytest.raises(error) as raised:
        await Asked(url, api).answer()

    assert raised.value.code == code
    assert getattr(raised.value, "seconds", None) == seconds


@pytest.mark.anyio
@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("call", [{"malformed": True}, {"truncated": True}, {"reply": {"answer": "x"}}])
async def test_an_unusable_reply_is_asked_for_again_with_the_reason_and_then_given_up(
    url: str, api: ModelApi, call: dict[str, Any]
) -> None:
    asked = Asked(url, api)
    script(url, *[call] * ASKED_AGAIN)
    assert (await asked.answer()).missing == []
    assert asked.ledger.usage.model_calls == 1 + ASKED_AGAIN

    asked = Asked(url, api)
    script(url, *[call] * (1 + ASKED_AGAIN))
    with pytest.raises(GiveUp, match="no usable reply in 3 attempts"):
        await asked.answer()
    assert asked.ledger.usage.model_calls == 1 + ASKED_AGAIN, "what was of no use was paid for all the same"


@pytest.mark.anyio
@pytest.mark.parametrize("api", APIS)
async def test_a_model_without_temperature_is_asked_without_it_from_then_on(url: str, api: ModelApi) -> None:
    asked = Asked(url, api)
    script(url, {"status": 400, "param": "temperature"})

    assert (await asked.answer()).answer
    assert asked.clients.without_temperature == {"offline"}


@pytest.mark.anyio
async def test_a_server_that_is_not_there_is_worth_another_try() -> None:
    with pytest.raises(RetryLater) as raised:
        await Asked("http://127.0.0.1:9/v1/").answer()

    assert raised.value.code == "model_unavailable"


@pytest.mark.anyio
@pytest.mark.parametrize("api", APIS)
async def test_a_page_in_place_of_an_api_is_no_crash(api: ModelApi) -> None:
    async def page(_: web.Request) -> web.Response:
        return web.Response(text="<html>Sign in</html>", content_type="text/html")

    async def make() -> web.Application:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", page)
        return app

    with in_thread(make) as url, pytest.raises(RetryLater, match="answered with something else"):
        await Asked(f"{url}/v1/", api).answer()


@pytest.mark.anyio
async def test_embeddings_come_in_order_and_of_the_right_size(url: str) -> None:
    asked = Asked(url)
    texts = [f"text number {number}" for number in range(300)]

    vectors = await asked.model.embed(texts)
    single = await asked.model.embed([texts[299]])

    assert len(vectors) == 300
    assert vectors[299] == single[0]
    assert asked.ledger.usage.embedding_tokens > 0
    await asked.clients.chat.close()
