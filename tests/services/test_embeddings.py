"""Embeddings asked for together go out together, and fail apart."""

import asyncio
from collections.abc import Sequence

import pytest

from murmuration.services.errors import GiveUp, RetryLater
from murmuration.services.model.embeddings import (
    MAX_TEXTS,
    MAX_TOKENS,
    Embedded,
    EmbeddingBatcher,
    estimated_tokens,
)

pytestmark = pytest.mark.anyio


class Requests:
    """Counts what is asked of a model that gives each text its length; `bad` texts are refused."""

    def __init__(self, bad: str = "", down: bool = False) -> None:
        self.sizes: list[int] = []
        self.tokens: list[int] = []
        self.bad = bad
        self.down = down

    async def __call__(self, texts: Sequence[str]) -> Embedded:
        self.sizes.append(len(texts))
        self.tokens.append(sum(map(estimated_tokens, texts)))
        await asyncio.sleep(0.001)
        if self.down:
            raise RetryLater("embeddings_unavailable", "down")
        if self.bad in texts and self.bad:
            raise GiveUp("embeddings_refused", "too long")
        return Embedded([[float(len(text))] for text in texts], sum(map(len, texts)), "m")


async def test_a_hundred_at_once_are_one_request() -> None:
    requests = Requests()
    batcher = EmbeddingBatcher(requests)

    answers = await asyncio.gather(*(batcher.embed(["x" * number]) for number in range(1, 101)))

    assert requests.sizes == [100]
    assert [answer[0].vectors for answer in answers] == [[[float(number)]] for number in range(1, 101)]
    assert sum(answer[0].tokens for answer in answers) == sum(range(1, 101)), "all that was charged has an owner"


async def test_texts_that_keep_coming_do_not_hold_up_the_first() -> None:
    requests = Requests()
    batcher = EmbeddingBatcher(requests)
    asked = []
    for _ in range(50):
        asked.append(asyncio.create_task(batcher.embed(["text"])))
        await asyncio.sleep(0.001)

    await asyncio.gather(*asked)

    assert len(requests.sizes) > 1
    assert sum(requests.sizes) == 50


async def test_no_request_is_larger_than_the_api_takes() -> None:
    requests = Requests()
    batcher = EmbeddingBatcher(requests)

    answers = await asyncio.gather(*(batcher.embed(["text"] * 300) for _ in range(3)))

    assert [sum(len(each.vectors) for each in answer) for answer in answers] == [300] * 3
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
    assert len(requests.sizes) <= 2 + sum(requests.tokens) // MAX_TOKENS, "and no more requests than that takes"
    assert [sum(len(each.vectors) for each in answer) for answer in answers] == [40, *[1] * 40]


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
    assert [each[0].vectors for each in (good, fine) if not isinstance(each, BaseException)] == [[[4.0]], [[4.0]]]


async def test_a_service_that_is_down_is_down_for_all_and_asked_once() -> None:
    requests = Requests(down=True)
    batcher = EmbeddingBatcher(requests)

    results = await asyncio.gather(*(batcher.embed(["text"]) for _ in range(5)), return_exceptions=True)

    assert all(isinstance(result, RetryLater) for result in results)
    assert requests.sizes == [5]


async def test_who_gives_up_waiting_takes_nothing_from_the_others() -> None:
    batcher = EmbeddingBatcher(Requests())
    impatient = asyncio.create_task(batcher.embed(["one"]))
    patient = asyncio.create_task(batcher.embed(["four"]))
    await asyncio.sleep(0)
    impatient.cancel()

    assert (await patient)[0].vectors == [[4.0]]


async def test_nothing_to_embed_is_no_request() -> None:
    requests = Requests()

    assert await EmbeddingBatcher(requests).embed([]) == []
    assert requests.sizes == []
