"""When one deployment gives way to the next, over the wire: two servers are two regions."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from loopback.serving import in_thread
from murmuration.contracts.replies import JudgementReply
from murmuration.services.errors import RATE_LIMITED, GiveUp, Refused, RetryLater, StepError
from murmuration.services.model.breaker import FAILURES
from murmuration.services.model.limiter import FIRST_LIMIT
from tests.services.asked import QUESTION, Asked, calls, script, unscript
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
        unscript(url)


def chained(regions: tuple[str, str], chain: str = "offline,offline@WEST") -> Asked:
    home, west = regions
    return Asked(home, MODEL_STANDARD=chain, MODEL_ENDPOINT_WEST_URL=west, MODEL_ENDPOINT_WEST_KEY="k")


async def test_the_first_answers_alone_while_it_can(regions: tuple[str, str]) -> None:
    asked = chained(regions, "offline,offline@WEST,extractive")

    await asked.answer()

    assert asked.step_context.degraded == set()
    assert [len(calls(url)) for url in regions] == [1, 0]


@pytest.mark.parametrize("call", [DOWN, {"cut": True}, {"delay": 4}, {"status": 429, "error": "insufficient_quota"}])
async def test_who_is_down_or_slow_gives_way_at_once(regions: tuple[str, str], call: dict[str, Any]) -> None:
    script(regions[0], call)
    asked = chained(regions)

    reply = await asked.answer()

    assert reply.answer == "Tea needs water of 80 degrees [1]."
    assert asked.step_context.degraded == {"second_model"}
    assert asked.step_context.usage.model_calls == 1


async def test_who_is_rate_limited_is_waited_for_until_the_last_attempt(regions: tuple[str, str]) -> None:
    script(regions[0], LIMITED)
    asked = chained(regions)

    with pytest.raises(RetryLater) as later:
        await asked.ask()
    assert (later.value.code, later.value.seconds) == (RATE_LIMITED, 7)
    assert calls(regions[1]) == []

    await asked.begin(last_attempt=True).answer()
    assert asked.step_context.degraded == {"second_model"}


@pytest.mark.parametrize(
    ("call", "error"),
    [
        ({"status": 400, "error": "content_filter"}, Refused),
        ({"refusal": "no"}, Refused),
        ({"status": 401}, GiveUp),
    ],
)
async def test_who_was_refused_is_not_taken_elsewhere(
    regions: tuple[str, str], call: dict[str, Any], error: type[StepError]
) -> None:
    script(regions[0], call)
    asked = chained(regions, "offline,offline@WEST,extractive").begin(last_attempt=True)

    with pytest.raises(error):
        await asked.answer()

    assert calls(regions[1]) == []


async def test_who_has_failed_repeatedly_is_not_asked_any_more(regions: tuple[str, str]) -> None:
    script(regions[0], DOWN)
    asked = chained(regions)

    for _ in range(FAILURES + 3):
        await asked.ask()
    await asked.clients.close()

    assert len(calls(regions[0])) == FAILURES
    assert len(calls(regions[1])) == FAILURES + 3


async def test_an_extractive_answer_comes_at_the_last_attempt_and_says_so(regions: tuple[str, str]) -> None:
    for url in regions:
        script(url, DOWN)
    asked = chained(regions, "offline,offline@WEST,extractive")

    with pytest.raises(RetryLater):
        await asked.ask()
    reply = await asked.begin(last_attempt=True).answer()

    assert reply.answer == "Tea needs water of 80 degrees [1]."
    assert asked.step_context.degraded == {"extractive_fallback"}
    assert asked.step_context.models == {"extractive"}
    assert asked.step_context.usage.tokens == 0


async def test_an_outage_that_is_known_is_not_waited_for_again(regions: tuple[str, str]) -> None:
    for url in regions:
        script(url, DOWN)
    asked = chained(regions, "offline,offline@WEST,extractive")
    for _ in range(FAILURES):
        with pytest.raises(RetryLater):
            await asked.ask()

    await asked.begin().answer()

    assert asked.step_context.degraded == {"extractive_fallback"}


async def test_nobody_judges_in_place_of_the_evaluator_and_nobody_waits_for_it(regions: tuple[str, str]) -> None:
    script(regions[0], DOWN, agent="*")
    asked = chained(regions, "offline,extractive")
    for _ in range(FAILURES):
        with pytest.raises(RetryLater):
            await asked.ask()

    asked.begin()
    with pytest.raises(GiveUp, match="no model can be reached, and evaluator needs one"):
        await asked.model.ask("evaluator", {**QUESTION, "answer": "80 degrees [1].", "problems": []}, JudgementReply)
    await asked.clients.close()


async def test_two_hundred_agents_find_the_limit_of_a_server_and_all_get_their_answers(
    regions: tuple[str, str],
) -> None:
    bears = 10
    script(regions[0], {"at_once": bears, "delay": 0.02, "repeat": True})
    asked = chained(regions, "offline")

    async def step() -> int:
        """As an orchestrator does: comes back later. How often it had to."""
        for attempt in range(5):
            try:
                await asked.ask()
            except RetryLater:
                await asyncio.sleep(0.05 * 2**attempt)
            else:
                return attempt
        raise AssertionError("five attempts were not enough")

    await asyncio.gather(*(step() for _ in range(200)))
    await asked.clients.close()

    refused = [call for call in calls(regions[0]) if call.get("status") == 429]
    assert len(calls(regions[0])) == 200 + len(refused)
    # Some when the limit is found, then one for about forty answers each time that it is tried again.
    assert len(refused) <= (FIRST_LIMIT - bears) + 200 // 20
