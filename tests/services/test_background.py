"""Answers that take minutes are started, polled, and fetched or cancelled; no function waits for them."""

from collections.abc import Iterator

import pytest

from loopback.serving import in_thread
from murmuration.agents.loader import load_agent
from murmuration.contracts.replies import DraftReply
from murmuration.services.errors import GiveUp, Pending, Refused, RetryLater, StepError
from murmuration.services.model.agent_question import MAX_CORRECTIONS
from murmuration.services.model.background import StartedResponse
from tests.services.model_caller import QUESTION, ModelCaller, calls, reset, script
from tests.services_on_loopback import model_app

pytestmark = pytest.mark.anyio
SLOW = load_agent("executor").model_copy(update={"background": True})


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with in_thread(model_app) as url:
        yield f"{url}/v1/"


@pytest.fixture
def url(server: str) -> Iterator[str]:
    yield server
    reset(server)


async def attempt(caller: ModelCaller, token: str | None = None) -> DraftReply | str:
    """Return the reply, or the token of the response under way."""
    try:
        return await caller.new_attempt(token=token).model.ask_agent(SLOW, QUESTION, DraftReply)
    except Pending as pending:
        return pending.token


async def started(caller: ModelCaller) -> str:
    token = await attempt(caller)
    assert isinstance(token, str)
    return token


async def test_a_response_is_started_once_polled_until_it_is_done_and_charged_then(url: str) -> None:
    script(url, {"polls": 2})
    caller = ModelCaller(url)
    token = await started(caller)
    assert caller.step_context.usage.tokens == 0

    assert await attempt(caller, token) == token
    assert await attempt(caller, token) == token
    reply = await attempt(caller, token)

    assert isinstance(reply, DraftReply)
    assert reply.answer == "Tea needs water of 80 degrees [1]."
    assert caller.step_context.usage.model_calls == 1
    assert caller.step_context.usage.by_model["offline"].input > 0
    assert len(calls(url)) == 1
    assert [call["status"] for call in calls(url, "background")] == ["in_progress", "in_progress", "completed"]
    assert await attempt(caller, token) == reply, "fetching it twice is the same"
    await caller.clients.close()


@pytest.mark.parametrize(
    ("ends", "error", "code"),
    [
        ("failed", RetryLater, "model_unavailable"),
        ("incomplete", Refused, "content_filtered"),
        ("cancelled", GiveUp, "background_cancelled"),
        ("expired", GiveUp, "background_expired"),
    ],
)
async def test_every_end_has_its_meaning(url: str, ends: str, error: type[StepError], code: str) -> None:
    script(url, {"ends": ends})
    caller = ModelCaller(url)
    token = await started(caller)

    with pytest.raises(error) as raised:
        await attempt(caller, token)

    assert raised.value.code == code
    assert (caller.step_context.token is None) == (ends == "failed"), "the next attempt starts a failed response anew"
    await caller.clients.close()


async def test_a_provider_that_can_not_be_reached_for_a_while_does_not_lose_the_response(url: str) -> None:
    caller = ModelCaller(url)
    token = await started(caller)
    unreachable = ModelCaller("http://127.0.0.1:9/v1/")

    with pytest.raises(RetryLater):
        await attempt(unreachable, token)

    assert unreachable.step_context.token == token
    assert isinstance(await attempt(caller, token), DraftReply)
    await caller.clients.close()
    await unreachable.clients.close()


async def test_an_unusable_reply_starts_another_response_until_the_step_gives_up(url: str) -> None:
    script(url, *[{"malformed": True}] * (1 + MAX_CORRECTIONS))
    caller = ModelCaller(url)
    token = await started(caller)

    for _ in range(MAX_CORRECTIONS):
        next_token = await attempt(caller, token)
        assert isinstance(next_token, str)
        assert next_token != token
        assert caller.step_context.usage.model_calls == 1, "unusable replies are charged, too"
        token = next_token
    with pytest.raises(GiveUp, match="no usable reply in 3 attempts"):
        await attempt(caller, token)
    await caller.clients.close()


async def test_cancelling_a_response_twice_or_too_late_is_no_error(url: str) -> None:
    script(url, {"polls": 5})
    caller = ModelCaller(url)
    token = await started(caller)

    await caller.model.cancel(token)
    await caller.model.cancel(token)
    await caller.model.cancel(StartedResponse("offline", 0, "resp_unknown").token)

    with pytest.raises(GiveUp, match="was cancelled"):
        await attempt(caller, token)
    await caller.clients.close()


async def test_a_response_stays_with_the_deployment_that_has_started_it(url: str) -> None:
    script(url, {"polls": 1})
    caller = ModelCaller(
        "http://127.0.0.1:9/v1/",
        MODEL_STANDARD="offline,offline@WEST",
        MODEL_ENDPOINT_WEST_URL=url,
        MODEL_ENDPOINT_WEST_KEY="k",
    )
    token = await started(caller)

    assert await attempt(caller, token) == token
    assert isinstance(await attempt(caller, token), DraftReply)
    assert caller.step_context.degraded == {"second_model"}

    elsewhere = ModelCaller(url)
    with pytest.raises(GiveUp, match="'offline@WEST' is no longer in the settings"):
        await attempt(elsewhere, token)
    await caller.clients.close()


async def test_a_service_with_the_chat_api_alone_is_waited_for(url: str) -> None:
    caller = ModelCaller(url, "chat")

    assert isinstance(await attempt(caller), DraftReply)
    await caller.clients.close()
