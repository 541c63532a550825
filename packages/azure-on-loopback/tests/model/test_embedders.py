"""Embedding models: which one a request gets, what the errors say, and in which order requests are served."""

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
from loopback.model.embedders import BATCH_TEXTS, HASH, Embedders, EmbeddingQueue, HashEmbedder
from loopback.model.minilm import MiniLM
from loopback.model.routes import make_app
from loopback.serving import in_thread


@pytest.fixture(scope="module")
def client() -> Iterator[openai.OpenAI]:
    """A client of a service whose real model lacks a package."""
    embedders: Embedders = {HASH: HashEmbedder(), minilm.NAME: MiniLM(packages=("json", "not_installed_anywhere"))}
    with (
        in_thread(lambda: make_app(embedders)) as url,
        openai.OpenAI(base_url=f"{url}/v1/", api_key="any", max_retries=0, timeout=10) as client,
    ):
        yield client


def test_an_unknown_model_is_a_404_that_lists_the_known_ones(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as refused:
        client.embeddings.create(model="word2vec", input="tea")

    assert (refused.value.param, refused.value.code) == ("model", "model_not_found")
    assert "there is no embedding model 'word2vec'" in refused.value.message
    assert "local-hash or all-minilm-l6-v2" in refused.value.message


def test_a_model_that_is_not_installed_is_a_404_with_the_command_that_installs_it(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as refused:
        client.embeddings.create(model="all-minilm-l6-v2", input="tea")

    assert refused.value.code == "model_not_found"
    message = json.loads(refused.value.response.text)["error"]["message"]
    assert "not_installed_anywhere, which is not installed" in message
    command, _, path = message.partition(" -r ")
    assert command.endswith("python -m pip install --no-deps --require-hashes")
    assert Path(path.strip('"')).is_file(), "the command must work as written"


@pytest.mark.parametrize("dimensions", [0, 1, 5000, 1.5, "384", True])
def test_impossible_dimensions_are_refused(client: openai.OpenAI, dimensions: Any) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.embeddings.create(model=HASH, input="tea", dimensions=dimensions)

    assert refused.value.param == "dimensions"
    assert f"dimensions is {dimensions!r}" in refused.value.message


def test_embeddings_have_384_dimensions_by_default(client: openai.OpenAI) -> None:
    assert len(client.embeddings.create(model=HASH, input="tea").data[0].embedding) == 384


def test_models_are_listed_by_the_names_that_requests_use(client: openai.OpenAI) -> None:
    models = list(client.models.list())

    assert {HASH, minilm.NAME} < {model.id for model in models}
    assert {model.owned_by for model in models} == {"loopback"}


def test_the_answer_names_the_model_that_made_it(client: openai.OpenAI) -> None:
    answer = json.loads(client.embeddings.with_raw_response.create(model=HASH, input="tea").text)

    assert answer["model"] == HashEmbedder.name


class GatedEmbedder:
    """An embedder that waits until the test opens its gate, and records the first text of every batch."""

    name = description = "gated"

    def __init__(self) -> None:
        self.batches: list[str] = []
        self.batch_began, self.gate = asyncio.Event(), asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def check(self) -> None:
        pass

    def embed(self, texts: Sequence[str], dimensions: int | None) -> Array:
        self.batches.append(texts[0])
        self._loop.call_soon_threadsafe(self.batch_began.set)
        asyncio.run_coroutine_threadsafe(self.gate.wait(), self._loop).result(10)
        return np.array([[float(text.split()[-1])] for text in texts], dtype=np.float32)


@pytest.mark.anyio
async def test_a_question_overtakes_long_requests_which_keep_their_order() -> None:
    embedder, queue = GatedEmbedder(), EmbeddingQueue(processors=1)
    count = 2 * BATCH_TEXTS + 1
    requests = [[f"{name} {number}" for number in range(count)] for name in ("first", "second")] + [["question 7"]]
    tasks = []
    for texts in requests:
        tasks.append(asyncio.create_task(queue.embed(embedder, texts, None)))
        await asyncio.sleep(0)
    embedder.gate.set()

    first, second, question = await asyncio.gather(*tasks)

    names = [batch.split()[0] for batch in embedder.batches]
    assert names == ["first", "question", "first", "first", "second", "second", "second"]
    assert question.tolist() == [[7.0]]
    assert first.ravel().tolist() == second.ravel().tolist() == list(range(count))


@pytest.mark.anyio
async def test_a_long_request_uses_all_processors() -> None:
    embedder, queue = GatedEmbedder(), EmbeddingQueue(processors=3)
    texts = [f"text {number}" for number in range(4 * BATCH_TEXTS)]
    task = asyncio.create_task(queue.embed(embedder, texts, None))
    while len(embedder.batches) < 3:
        await embedder.batch_began.wait()
        embedder.batch_began.clear()

    assert sorted(embedder.batches) == [f"text {number * BATCH_TEXTS}" for number in (0, 1, 2)]
    embedder.gate.set()
    assert (await task).ravel().tolist() == list(range(4 * BATCH_TEXTS))


@pytest.mark.anyio
async def test_a_cancelled_request_embeds_no_further_batch() -> None:
    embedder, queue = GatedEmbedder(), EmbeddingQueue(processors=1)
    cancelled = asyncio.create_task(queue.embed(embedder, ["cancelled 1"] * 5 * BATCH_TEXTS, None))
    await embedder.batch_began.wait()

    cancelled.cancel()
    await asyncio.gather(cancelled, return_exceptions=True)
    embedder.gate.set()
    await queue.embed(embedder, ["other 1"], None)

    assert embedder.batches == ["cancelled 1", "other 1"]
