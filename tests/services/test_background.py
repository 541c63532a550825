"""Answers that take minutes: started, looked after, fetched or cancelled, while no function waits for them."""

from collections.abc import Iterator

import pytest

from loopback.serving import in_thread
from murmuration.agents.loader import load_agent
from murmuration.contracts.replies import DraftReply
from murmuration.services.errors import GiveUp, Pending, Refused, RetryLater, StepError
from murmuration.services.model.agent_question import ASKED_AGAIN
from murmuration.services.model.background import Started
from tests.services.asked import QUESTION, Asked, calls, script, unscript
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
    unscript(server)


async def attempt(asked: Asked, token: str | None = None) -> DraftReply | str:
    """The reply, or the token to come back with."""
    try:
        return await asked.begin(token=token).model.ask_as(SLOW, QUESTION, DraftReply)
    except Pending as pending:
        return pending.token


async def started(asked: Asked) -> str:
    token = await attempt(asked)
    assert isinstance(token, str)
    return token


async def test_it_is_started_once_looked_after_until_it_is_done_and_charged_then(url: str) -> None:
    script(url, {"polls": 2})
    asked = Asked(url)
    token = await started(asked)
    assert asked.step_context.usage.tokens == 0

    assert await attempt(asked, token) == token
    assert await attempt(asked, token) == token
    reply = await attempt(asked, token)

    assert isinstance(reply, DraftReply)
    assert reply.answer == "Tea needs water of 80 degrees [1]."
    assert asked.step_context.usage.model_calls == 1
    assert asked.step_context.usage.by_model["offline"].input > 0
    assert len(calls(url)) == 1
    assert [call["status"] for call in calls(url, "background")] == ["in_progress", "in_progress", "completed"]
    assert await attempt(asked, token) == reply, "fetching it twice is the same"
    await asked.clients.close()


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
    asked = Asked(url)
    token = await started(asked)

    with pytest.raises(error) as raised:
        await attempt(asked, token)

    assert raised.value.code == code
    assert (asked.step_context.token is None) == (ends == "failed"), "what has failed is begun anew by the next attempt"
    await asked.clients.close()


async def test_a_provider_that_is_away_for_a_moment_does_not_lose_it(url: str) -> None:
    asked = Asked(url)
    token = await started(asked)
    away = Asked("http://127.0.0.1:9/v1/")

    with pytest.raises(RetryLater):
        await attempt(away, token)

    assert away.step_context.token == token
    assert isinstance(await attempt(asked, token), DraftReply)
    for each in (asked, away):
        await each.clients.close()


async def test_an_unusable_reply_is_asked_for_again_and_then_given_up(url: str) -> None:
    script(url, *[{"malformed": True}] * (1 + ASKED_AGAIN))
    asked = Asked(url)
    token = await started(asked)

    for _ in range(ASKED_AGAIN):
        again = await attempt(asked, token)
        assert isinstance(again, str)
        assert again != token
        assert asked.step_context.usage.model_calls == 1, "what was of no use was paid for all the same"
        token = again
    with pytest.raises(GiveUp, match="no usable reply in 3 attempts"):
        await attempt(asked, token)
    await asked.clients.close()


async def test_it_can_be_cancelled_and_cancelling_twice_or_too_late_is_no_error(url: str) -> None:
    script(url, {"polls": 5})
    asked = Asked(url)
    token = await started(asked)

    await asked.model.cancel(token)
    await asked.model.cancel(token)
    await asked.model.cancel(Started("offline", 0, "resp_unknown").token)

    with pytest.raises(GiveUp, match="was cancelled"):
        await attempt(asked, token)
    await asked.clients.close()


async def test_it_stays_with_the_deployment_that_has_begun_it(url: str) -> None:
    script(url, {"polls": 1})
    asked = Asked(
        "http://127.0.0.1:9/v1/",
        MODEL_STANDARD="offline,offline@WEST",
        MODEL_ENDPOINT_WEST_URL=url,
        MODEL_ENDPOINT_WEST_KEY="k",
    )
    token = await started(asked)

    assert await attempt(asked, token) == token
    assert isinstance(await attempt(asked, token), DraftReply)
    assert asked.step_context.degraded == {"second_model"}

    elsewhere = Asked(url)
    with pytest.raises(GiveUp, match="'offline@WEST' is no longer in the settings"):
        await attempt(elsewhere, token)
    await asked.clients.close()


async def test_a_server_that_only_chats_is_waited_for(url: str) -> None:
    asked = Asked(url, "chat")

    assert isinstance(await attempt(asked), DraftReply)
    await asked.clients.close()
