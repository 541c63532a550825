"""The model through the real SDK, over both APIs, against a server that misbehaves on order."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from aiohttp import web

from loopback.serving import in_thread
from murmuration.agents.loader import load_agent
from murmuration.contracts.usage import Tokens
from murmuration.services.errors import GiveUp, Refused, RetryLater, StepError
from murmuration.services.model.agent_question import ASKED_AGAIN
from murmuration.services.setting_values import ModelApi
from tests.services.asked import Asked, calls, script, unscript
from tests.services_on_loopback import model_app


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with in_thread(model_app) as url:
        yield url


@pytest.fixture
def url(server: str) -> Iterator[str]:
    yield f"{server}/v1/"
    unscript(f"{server}/v1/")


APIS: tuple[ModelApi, ...] = ("responses", "chat")


@pytest.mark.anyio
@pytest.mark.parametrize("api", APIS)
async def test_both_apis_answer_and_are_charged(url: str, api: ModelApi) -> None:
    asked = Asked(url, api)

    reply = await asked.answer()

    assert reply.answer == "Tea needs water of 80 degrees [1]."
    assert asked.step_context.usage.model_calls == 1
    assert asked.step_context.usage.input_tokens > asked.step_context.usage.output_tokens > 5
    assert asked.step_context.usage.by_model == {
        "offline": Tokens(input=asked.step_context.usage.input_tokens, output=asked.step_context.usage.output_tokens)
    }
    assert asked.step_context.prompts == {"executor": load_agent("executor").version}
    assert asked.step_context.models == {"murmuration-offline-1"}


@pytest.mark.anyio
@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize(
    ("call", "error", "code", "seconds"),
    [
        ({"status": 429, "retry_after": 7}, RetryLater, "rate_limited", 7),
        ({"status": 429, "error": "insufficient_quota"}, RetryLater, "model_unavailable", None),
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
    assert asked.step_context.usage.model_calls == 1 + ASKED_AGAIN

    asked = Asked(url, api)
    script(url, *[call] * (1 + ASKED_AGAIN))
    with pytest.raises(GiveUp, match="no usable reply in 3 attempts"):
        await asked.answer()
    assert asked.step_context.usage.model_calls == 1 + ASKED_AGAIN, "what was of no use was paid for all the same"


@pytest.mark.anyio
async def test_a_model_without_temperature_is_asked_without_it_from_then_on() -> None:
    with_temperature: list[bool] = []

    async def answer(request: web.Request) -> web.Response:
        body = json.loads(await request.read())
        with_temperature.append("temperature" in body)
        if "temperature" in body:
            return web.json_response({"error": {"message": "no", "param": "temperature"}}, status=400)
        message = {"role": "assistant", "content": '{"answer": "80 degrees [1].", "missing": []}'}
        choice = {"index": 0, "finish_reason": "stop", "message": message}
        usage = {
            "prompt_tokens": 30,
            "completion_tokens": 7,
            "total_tokens": 37,
            "prompt_tokens_details": {"cached_tokens": 20},
        }
        answer = {"id": "1", "object": "chat.completion", "created": 0, "model": "o-2026-01-01"}
        return web.json_response({**answer, "choices": [choice], "usage": usage})

    async def make() -> web.Application:
        app = web.Application()
        app.router.add_post("/v1/chat/completions", answer)
        return app

    with in_thread(make) as url:
        asked = Asked(f"{url}/v1/", "chat")
        await asked.ask()
        await asked.answer()

    assert with_temperature == [True, False, False]
    assert asked.step_context.usage.by_model == {"offline": Tokens(input=60, cached_input=40, output=14)}
    assert asked.step_context.models == {"o-2026-01-01"}, (
        "as the provider names it; the prices are of the settings' name"
    )


@pytest.mark.anyio
async def test_a_model_that_refuses_a_temperature_it_was_not_given_is_given_up(url: str) -> None:
    script(url, {"status": 400, "param": "temperature", "repeat": True})

    with pytest.raises(GiveUp, match="temperature that it was not given"):
        await Asked(url).answer()

    assert len(calls(url)) == 2


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
    assert asked.step_context.usage.embedding_tokens > 0
    await asked.clients.close()


@pytest.mark.anyio
async def test_a_hundred_agents_that_embed_at_once_make_one_request(url: str) -> None:
    asked = Asked(url)

    await asyncio.gather(*(asked.model.embed([f"text number {number}"]) for number in range(100)))

    assert [call["texts"] for call in calls(url, "embeddings")] == [100]
    assert asked.step_context.usage.by_model["local-hash"].embedding == asked.step_context.usage.embedding_tokens > 0
    await asked.clients.close()
