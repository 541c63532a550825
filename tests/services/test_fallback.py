"""One deployment gives way to the next, over the wire: two services are two regions."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from loopback.serving import in_thread
from murmuration.contracts.replies import JudgementReply
from murmuration.services.errors import RATE_LIMITED, GiveUp, Refused, RetryLater, StepError
from murmuration.services.model.breaker import FAILURES
from murmuration.services.model.limiter import FIRST_LIMIT
from tests.services.model_caller import QUESTION, ModelCaller, calls, reset, script
from tests.services_on_loopback import model_app

pytestmark = pytest.mark.anyio
DOWN = {"status": 503, "repeat": True}
LIMITED = {"status": 429, "retry_after": 7, "repeat": True}


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[str, str]]:
    with in_thread(model_app) as home, in_thread(model_app) as west:
        yield f"{home}/v1/", f"{west}/v1/"


@pytest.fixture
def regions(servers: tuple[str, str]) -> Iterator[tuple[str, str]]:
    yield servers
    for url in servers:
        reset(url)


def caller_of(regions: tuple[str, str], chain: str = "offline,offline@WEST") -> ModelCaller:
    home, west = regions
    return ModelCaller(home, MODEL_STANDARD=chain, MODEL_ENDPOINT_WEST_URL=west, MODEL_ENDPOINT_WEST_KEY="k")


async def test_the_first_deployment_answers_alone_while_it_is_up(regions: tuple[str, str]) -> None:
    caller = caller_of(regions, "offline,offline@WEST,extractive")

    await caller.ask_and_close()

    assert caller.step_context.degraded == set()
    assert [len(calls(url)) for url in regions] == [1, 0]


@pytest.mark.parametrize("call", [DOWN, {"cut": True}, {"status": 429, "error": "insufficient_quota"}])
async def test_a_deployment_that_is_down_gives_way_at_once(regions: tuple[str, str], call: dict[str, Any]) -> None:
    script(regions[0], call)
    caller = caller_of(regions)

    reply = await caller.ask_and_close()

    assert reply.answer == "Tea needs water of 80 degrees [1]."
    assert caller.step_context.degraded == {"second_model"}
    assert caller.step_context.usage.model_calls == 1


async def test_a_rate_limited_deployment_gives_way_at_the_last_attempt(regions: tuple[str, str]) -> None:
    script(regions[0], LIMITED)
    caller = caller_of(regions)

    with pytest.raises(RetryLater) as later:
        await caller.ask()
    assert (later.value.code, later.value.seconds) == (RATE_LIMITED, 7)
    assert calls(regions[1]) == []

    await caller.new_attempt(last_attempt=True).ask_and_close()
    assert caller.step_context.degraded == {"second_model"}


@pytest.mark.parametrize(
    ("call", "error"),
    [
        ({"status": 400, "error": "content_filter"}, Refused),
        ({"refusal": "no"}, Refused),
        ({"status": 401}, GiveUp),
    ],
)
async def test_a_refused_question_is_not_asked_elsewhere(
    regions: tuple[str, str], call: dict[str, Any], error: type[StepError]
) -> None:
    script(regions[0], call)
    caller = caller_of(regions, "offline,offline@WEST,extractive").new_attempt(last_attempt=True)

    with pytest.raises(error):
        await caller.ask_and_close()

    assert calls(regions[1]) == []


async def test_a_deployment_that_failed_repeatedly_is_no_longer_called(regions: tuple[str, str]) -> None:
    script(regions[0], DOWN)
    caller = caller_of(regions)

    for _ in range(FAILURES + 3):
        await caller.ask()
    await caller.clients.close()

    assert len(calls(regions[0])) == FAILURES
    assert len(calls(regions[1])) == FAILURES + 3


async def test_an_extractive_answer_comes_at_the_last_attempt_and_says_so(regions: tuple[str, str]) -> None:
    for url in regions:
        script(url, DOWN)
    caller = caller_of(regions, "offline,offline@WEST,extractive")

    with pytest.raises(RetryLater):
        await caller.ask()
    reply = await caller.new_attempt(last_attempt=True).ask_and_close()

    assert reply.answer == "Tea needs water of 80 degrees [1]."
    assert caller.step_context.degraded == {"extractive_fallback"}
    assert caller.step_context.models == {"extractive"}
    assert caller.step_context.usage.tokens == 0


async def test_a_known_outage_is_answered_extractively_at_the_first_attempt(regions: tuple[str, str]) -> None:
    for url in regions:
        script(url, DOWN)
    caller = caller_of(regions, "offline,offline@WEST,extractive")
    for _ in range(FAILURES):
        with pytest.raises(RetryLater):
            await caller.ask()

    await caller.new_attempt().ask_and_close()

    assert caller.step_context.degraded == {"extractive_fallback"}


async def test_an_evaluation_without_a_model_fails_in_a_known_outage(regions: tuple[str, str]) -> None:
    script(regions[0], DOWN, agent="*")
    caller = caller_of(regions, "offline,extractive")
    for _ in range(FAILURES):
        with pytest.raises(RetryLater):
            await caller.ask()

    caller.new_attempt()
    with pytest.raises(GiveUp, match="no model can be reached, and evaluator needs one"):
        await caller.model.ask("evaluator", {**QUESTION, "answer": "80 degrees [1].", "problems": []}, JudgementReply)
    await caller.clients.close()


async def test_two_hundred_agents_find_the_limit_of_a_service_and_all_get_answers(
    regions: tuple[str, str],
) -> None:
    limit = 10
    script(regions[0], {"at_once": limit, "delay": 0.02, "repeat": True})
    caller = caller_of(regions, "offline")

    async def step() -> int:
        """Ask, and again after a pause, as an orchestrator does; returns how often it had to."""
        for attempt in range(5):
            try:
                await caller.ask()
            except RetryLater:
                await asyncio.sleep(0.05 * 2**attempt)
            else:
                return attempt
        raise AssertionError("five attempts were not enough")

    await asyncio.gather(*(step() for _ in range(200)))
    await caller.clients.close()

    refused = [call for call in calls(regions[0]) if call.get("status") == 429]
    assert len(calls(regions[0])) == 200 + len(refused)
    # The first calls find the limit; later it is probed once in about forty answers.
    assert len(refused) <= (FIRST_LIMIT - limit) + 200 // 20
