"""The model through the real SDK, over both APIs, against a service that is scripted to misbehave."""

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
from murmuration.services.model.agent_question import MAX_CORRECTIONS
from murmuration.services.setting_values import ModelApi
from tests.services.model_caller import ModelCaller, calls, reset, script
from tests.services_on_loopback import model_app


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with in_thread(model_app) as url:
        yield url


@pytest.fixture
def url(server: str) -> Iterator[str]:
    yield f"{server}/v1/"
    reset(f"{server}/v1/")


APIS: tuple[ModelApi, ...] = ("responses", "chat")


@pytest.mark.anyio
@pytest.mark.parametrize("api", APIS)
async def test_both_apis_answer_and_are_charged(url: str, api: ModelApi) -> None:
    caller = ModelCaller(url, api)

    reply = await caller.ask_and_close()

    assert reply.answer == "Tea needs water of 80 degrees [1]."
    assert caller.step_context.usage.model_calls == 1
    assert caller.step_context.usage.input_tokens > caller.step_context.usage.output_tokens > 5
    assert caller.step_context.usage.by_model == {
        "offline": Tokens(input=caller.step_context.usage.input_tokens, output=caller.step_context.usage.output_tokens)
    }
    assert caller.step_context.prompts == {"executor": load_agent("executor").version}
    assert caller.step_context.models == {"murmuration-offline-1"}


@pytest.mark.anyio
@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize(
    ("call", "error", "code", "seconds"),
    [
        ({"status": 429, "retry_after": 7}, RetryLater, "rate_limited", 7),
        ({"status": 429, "error": "insufficient_quota"}, RetryLater, "model_unavailable", None),
        ({"status": 500}, RetryLater, "model_unavailable", None),
        ({"cut": True}, RetryLater, "model_unavailable", None),
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
        await ModelCaller(url, api).ask_and_close()

    assert raised.value.code == code
    assert getattr(raised.value, "seconds", None) == seconds


@pytest.mark.anyio
@pytest.mark.parametrize("api", APIS)
async def test_a_model_that_does_not_answer_in_time_is_tried_again_later(url: str, api: ModelApi) -> None:
    script(url, {"delay": 600})

    with pytest.raises(RetryLater) as raised:
        await ModelCaller(url, api, seconds=0.2).ask_and_close()

    assert raised.value.code == "model_timeout"


@pytest.mark.anyio
@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("call", [{"malformed": True}, {"truncated": True}, {"reply": {"answer": "x"}}])
async def test_an_unusable_reply_is_sent_back_with_the_reason_until_the_step_gives_up(
    url: str, api: ModelApi, call: dict[str, Any]
) -> None:
    caller = ModelCaller(url, api)
    script(url, *[call] * MAX_CORRECTIONS)
    assert (await caller.ask_and_close()).missing == []
    assert caller.step_context.usage.model_calls == 1 + MAX_CORRECTIONS

    caller = ModelCaller(url, api)
    script(url, *[call] * (1 + MAX_CORRECTIONS))
    with pytest.raises(GiveUp, match="no usable reply in 3 attempts"):
        await caller.ask_and_close()
    assert caller.step_context.usage.model_calls == 1 + MAX_CORRECTIONS, "unusable replies are charged, too"


@pytest.mark.anyio
async def test_a_model_that_refuses_a_temperature_is_asked_without_one_from_then_on() -> None:
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
        completion = {"id": "1", "object": "chat.completion", "created": 0, "model": "o-2026-01-01"}
        return web.json_response({**completion, "choices": [choice], "usage": usage})

    async def make() -> web.Application:
        app = web.Application()
        app.router.add_post("/v1/chat/completions", answer)
        return app

    with in_thread(make) as url:
        caller = ModelCaller(f"{url}/v1/", "chat")
        await caller.ask()
        await caller.ask_and_close()

    assert with_temperature == [True, False, False]
    assert caller.step_context.usage.by_model == {"offline": Tokens(input=60, cached_input=40, output=14)}
    assert caller.step_context.models == {"o-2026-01-01"}, "the provider's name; usage goes by the settings' name"


@pytest.mark.anyio
async def test_a_model_that_refuses_a_temperature_it_was_not_given_ends_the_step(url: str) -> None:
    script(url, {"status": 400, "param": "temperature", "repeat": True})

    with pytest.raises(GiveUp, match="temperature that it was not given"):
        await ModelCaller(url).ask_and_close()

    assert len(calls(url)) == 2


@pytest.mark.anyio
async def test_a_service_that_can_not_be_reached_is_tried_again_later() -> None:
    with pytest.raises(RetryLater) as raised:
        await ModelCaller("http://127.0.0.1:9/v1/").ask_and_close()

    assert raised.value.code == "model_unavailable"


@pytest.mark.anyio
@pytest.mark.parametrize("api", APIS)
async def test_a_web_page_in_place_of_the_api_is_tried_again_later(api: ModelApi) -> None:
    async def page(_: web.Request) -> web.Response:
        return web.Response(text="<html>Sign in</html>", content_type="text/html")

    async def make() -> web.Application:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", page)
        return app

    with in_thread(make) as url, pytest.raises(RetryLater, match="answered with something else"):
        await ModelCaller(f"{url}/v1/", api).ask_and_close()


@pytest.mark.anyio
async def test_embeddings_come_in_the_order_of_their_texts(url: str) -> None:
    caller = ModelCaller(url)
    texts = [f"text number {number}" for number in range(300)]

    vectors = await caller.model.embed(texts)
    single = await caller.model.embed([texts[299]])

    assert len(vectors) == 300
    assert vectors[299] == single[0]
    assert caller.step_context.usage.embedding_tokens > 0
    await caller.clients.close()


@pytest.mark.anyio
async def test_a_hundred_concurrent_embeddings_are_one_request(url: str) -> None:
    caller = ModelCaller(url)

    await asyncio.gather(*(caller.model.embed([f"text number {number}"]) for number in range(100)))

    assert [call["texts"] for call in calls(url, "embeddings")] == [100]
    assert caller.step_context.usage.by_model["local-hash"].embedding == caller.step_context.usage.embedding_tokens > 0
    await caller.clients.close()
