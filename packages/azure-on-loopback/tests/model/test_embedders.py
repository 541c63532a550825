"""Which model of embeddings a request gets, what is said when there is none, and whose turn it is."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import openai
import pytest

from loopback.model import minilm
from loopback.model.bert import Array
from loopback.model.embedders import HASH, TEXTS_AT_ONCE, Embedders, HashEmbedder, InTurn
from loopback.model.minilm import MiniLM
from loopback.model.routes import make_app
from loopback.serving import in_thread

PACKAGE = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def client() -> Iterator[openai.OpenAI]:
    """Of a service whose real model lacks a package."""
    embedders: Embedders = {HASH: HashEmbedder(), minilm.NAME: MiniLM(packages=("json", "not_installed_anywhere"))}
    with (
        in_thread(lambda: make_app(embedders)) as url,
        openai.OpenAI(base_url=f"{url}/v1/", api_key="any", max_retries=0, timeout=10) as found,
    ):
        yield found


def test_a_model_that_is_not_there_is_a_404_that_names_those_that_are(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as refused:
        client.embeddings.create(model="word2vec", input="tea")

    assert (refused.value.param, refused.value.code) == ("model", "model_not_found")
    assert "there is no model 'word2vec'" in refused.value.message
    assert "local-hash or all-minilm-l6-v2" in refused.value.message


def test_a_model_that_is_not_installed_says_how_it_is(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as refused:
        client.embeddings.create(model="all-minilm-l6-v2", input="tea")

    assert refused.value.code == "model_not_found"
    assert "not_installed_anywhere, which is not installed" in refused.value.message
    command = refused.value.message.split("python -m ")[1].rstrip("'}").split()
    assert command[:2] == ["pip", "install"]
    assert (PACKAGE / command[-1]).exists(), "the command must work as it is said"


@pytest.mark.parametrize("dimensions", [0, 1, 5000, 1.5, "384", True])
def test_dimensions_that_can_not_be_are_refused(client: openai.OpenAI, dimensions: Any) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.embeddings.create(model=HASH, input="tea", dimensions=dimensions)

    assert refused.value.param == "dimensions"
    assert f"dimensions is {dimensions!r}" in refused.value.message


def test_without_dimensions_there_are_384(client: openai.OpenAI) -> None:
    assert len(client.embeddings.create(model=HASH, input="tea").data[0].embedding) == 384


def test_models_are_listed_by_the_names_one_asks_for(client: openai.OpenAI) -> None:
    assert {HASH, minilm.NAME} < {each.id for each in client.models.list()}


class Slow:
    """Embeds when it is told to, and writes down what it was asked for."""

    name = description = "slow"

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.began, self.may_go_on = asyncio.Event(), asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def check(self) -> None:
        pass

    def embed(self, texts: Sequence[str], dimensions: int | None) -> Array:
        self.asked.append(texts[0])
        self._loop.call_soon_threadsafe(self.began.set)
        asyncio.run_coroutine_threadsafe(self.may_go_on.wait(), self._loop).result(10)
        return np.array([[float(text.split()[-1])] for text in texts], dtype=np.float32)


@pytest.mark.anyio
async def test_a_question_does_not_wait_for_long_requests_and_these_keep_their_order() -> None:
    slow, turns = Slow(), InTurn(processors=1)
    count = 2 * TEXTS_AT_ONCE + 1
    requests = [[f"{name} {number}" for number in range(count)] for name in ("first", "second")] + [["question 7"]]
    asked = []
    for texts in requests:
        asked.append(asyncio.create_task(turns.embed(slow, texts, None)))
        await asyncio.sleep(0)
    slow.may_go_on.set()

    first, second, question = await asyncio.gather(*asked)

    names = [each.split()[0] for each in slow.asked]
    assert names == ["first", "question", "first", "first", "second", "second", "second"]
    assert question.tolist() == [[7.0]]
    assert first.ravel().tolist() == second.ravel().tolist() == list(range(count))


@pytest.mark.anyio
async def test_a_long_request_is_worked_on_by_all_processors() -> None:
    slow, turns = Slow(), InTurn(processors=3)
    task = asyncio.create_task(turns.embed(slow, [f"text {number}" for number in range(4 * TEXTS_AT_ONCE)], None))
    while len(slow.asked) < 3:
        await slow.began.wait()
        slow.began.clear()

    assert sorted(slow.asked) == [f"text {number * TEXTS_AT_ONCE}" for number in (0, 1, 2)]
    slow.may_go_on.set()
    assert (await task).ravel().tolist() == list(range(4 * TEXTS_AT_ONCE))


@pytest.mark.anyio
async def test_what_nobody_waits_for_any_more_is_not_embedded() -> None:
    slow, turns = Slow(), InTurn(processors=1)
    given_up = asyncio.create_task(turns.embed(slow, ["given up 1"] * 5 * TEXTS_AT_ONCE, None))
    await slow.began.wait()

    given_up.cancel()
    await asyncio.gather(given_up, return_exceptions=True)
    slow.may_go_on.set()
    await turns.embed(slow, ["other 1"], None)

    assert slow.asked == ["given up 1", "other 1"]


def test_the_service_says_what_its_answers_are_made_by(client: openai.OpenAI) -> None:
    answer = json.loads(client.embeddings.with_raw_response.create(model=HASH, input="tea").text)

    assert answer["model"] == HashEmbedder.name
