"""Texts that are embedded together go out as one request, and fail apart."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from murmuration.services.errors import GiveUp, RetryLater
from murmuration.services.model.embeddings import (
    MAX_TEXTS,
    MAX_TOKENS,
    MAX_WAIT_SECONDS,
    PAUSE_SECONDS,
    EmbeddingBatcher,
    Embeddings,
    estimated_tokens,
)
from tests.services.virtual_time import VIRTUAL_TIME

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    """Run in virtual time: how texts are batched must not depend on the machine."""
    return VIRTUAL_TIME


class Requests:
    """A model that gives each text its length as its vector, refuses `bad` ones, and records its requests."""

    def __init__(self, bad: str = "", down: bool = False) -> None:
        self.sizes: list[int] = []
        self.tokens: list[int] = []
        self.bad = bad
        self.down = down

    async def __call__(self, texts: Sequence[str]) -> Embeddings:
        self.sizes.append(len(texts))
        self.tokens.append(sum(map(estimated_tokens, texts)))
        await asyncio.sleep(0.001)
        if self.down:
            raise RetryLater("embeddings_unavailable", "down")
        if self.bad in texts and self.bad:
            raise GiveUp("embeddings_refused", "too long")
        return Embeddings([[float(len(text))] for text in texts], sum(map(len, texts)), "m")


async def test_a_hundred_at_once_are_one_request() -> None:
    requests = Requests()
    batcher = EmbeddingBatcher(requests)

    answers = await asyncio.gather(*(batcher.embed(["x" * number]) for number in range(1, 101)))

    assert requests.sizes == [100]
    assert [answer[0].vectors for answer in answers] == [[[float(number)]] for number in range(1, 101)]
    assert sum(answer[0].tokens for answer in answers) == sum(range(1, 101)), "the callers' tokens add up to the charge"


async def test_texts_that_keep_coming_do_not_hold_up_the_first() -> None:
    requests = Requests()
    batcher = EmbeddingBatcher(requests)
    tasks = []
    for _ in range(50):
        tasks.append(asyncio.create_task(batcher.embed(["text"])))
        await asyncio.sleep(PAUSE_SECONDS / 3)

    await asyncio.gather(*tasks)

    assert max(requests.sizes) <= MAX_WAIT_SECONDS / (PAUSE_SECONDS / 3) + 1
    assert sum(requests.sizes) == 50


async def test_a_pause_ends_the_batch() -> None:
    requests = Requests()
    batcher = EmbeddingBatcher(requests)
    first = asyncio.create_task(batcher.embed(["text"]))
    await asyncio.sleep(PAUSE_SECONDS * 2)
    second = asyncio.create_task(batcher.embed(["text"]))

    await asyncio.gather(first, second)

    assert requests.sizes == [1, 1]


async def test_no_request_is_larger_than_the_api_takes() -> None:
    requests = Requests()
    batcher = EmbeddingBatcher(requests)

    answers = await asyncio.gather(*(batcher.embed(["text"] * 300) for _ in range(3)))

    assert [sum(len(part.vectors) for part in answer) for answer in answers] == [300] * 3
    assert max(requests.sizes) <= MAX_TEXTS
    assert sum(requests.sizes) == 900


@pytest.mark.parametrize("character", ["a", "漢"])
async def test_no_request_has_more_tokens_than_the_api_takes(character: str) -> None:
    requests = Requests()
    batcher = EmbeddingBatcher(requests)
    texts = [character * 8_000] * 40

    answers = await asyncio.gather(batcher.embed(texts), *(batcher.embed([text]) for text in texts))

    assert sum(requests.sizes) == 80
    assert max(requests.tokens) <= MAX_TOKENS
    assert len(requests.sizes) <= 2 + sum(requests.tokens) // MAX_TOKENS, "requests are as full as they may be"
    assert [sum(len(part.vectors) for part in answer) for answer in answers] == [40, *[1] * 40]


async def test_a_text_that_is_too_long_for_any_request_goes_alone() -> None:
    requests = Requests()

    await EmbeddingBatcher(requests).embed(["a", "b" * MAX_TOKENS * 4, "c"])

    assert requests.sizes == [1, 1, 1]


async def test_a_text_that_is_refused_does_not_refuse_the_others() -> None:
    batcher = EmbeddingBatcher(Requests(bad="bad"))

    good, bad, fine = await asyncio.gather(
        batcher.embed(["good"]), batcher.embed(["bad"]), batcher.embed(["fine"]), return_exceptions=True
    )

    assert isinstance(bad, GiveUp)
    answers = [answer for answer in (good, fine) if not isinstance(answer, BaseException)]
    assert [answer[0].vectors for answer in answers] == [[[4.0]], [[4.0]]]


async def test_a_service_that_is_down_is_asked_once_for_all_callers() -> None:
    requests = Requests(down=True)
    batcher = EmbeddingBatcher(requests)

    results = await asyncio.gather(*(batcher.embed(["text"]) for _ in range(5)), return_exceptions=True)

    assert all(isinstance(result, RetryLater) for result in results)
    assert requests.sizes == [5]


async def test_a_caller_that_is_cancelled_takes_nothing_from_the_others() -> None:
    batcher = EmbeddingBatcher(Requests())
    cancelled = asyncio.create_task(batcher.embed(["one"]))
    other = asyncio.create_task(batcher.embed(["four"]))
    await asyncio.sleep(0)
    cancelled.cancel()

    assert (await other)[0].vectors == [[4.0]]


async def test_no_texts_make_no_request() -> None:
    requests = Requests()

    assert await EmbeddingBatcher(requests).embed([]) == []
    assert requests.sizes == []
