"""Batches embeddings: texts that come within a few milliseconds of each other go out as one request.

A fan-out of a hundred agents asks for a hundred vectors at once. One by one they would be a hundred requests, and would
meet the rate limit of the embedding model before anything else does.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass

from murmuration.services.errors import GiveUp
from murmuration.services.model.errors import openai_errors
from murmuration.services.model.fallback import Deployment
from murmuration.services.telemetry.log import log

MAX_WAIT_SECONDS = 0.01
"""How long the first text of a batch waits for others."""
PAUSE_SECONDS = 0.003
"""A pause after the last text in which no other comes ends the batch."""
MAX_TEXTS = 256
"""Texts per request. The API takes 2,048, whose vectors would be 16 MB to wait for."""
MAX_TOKENS = 250_000
"""Estimated tokens per request. The API takes 300,000."""
BYTES_PER_TOKEN = 3
"""A low estimate (English has 4 to 5, Chinese 3), so that tokens are rather over-counted."""


@dataclass(frozen=True)
class Embeddings:
    """The vectors of some texts in order, and what they cost."""

    vectors: list[list[float]]
    tokens: int
    model: str


EmbedRequest = Callable[[Sequence[str]], Awaitable[Embeddings]]
"""Embeds as many texts as one request takes."""
Caller = tuple[Sequence[str], "asyncio.Future[Embeddings]"]
"""The texts of one caller, and the future of their vectors."""


class EmbeddingBatcher:
    """Collects the texts of all callers into requests. Belongs to one event loop."""

    def __init__(self, request: EmbedRequest) -> None:
        self._request = request
        self._callers: list[Caller] = []
        self._texts = self._tokens = 0
        """Totals of the callers that wait."""
        self._requests: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._deadline = 0.0
        """When the batch is sent at the latest, by the loop's clock."""

    async def embed(self, texts: Sequence[str]) -> list[Embeddings]:
        """Embed texts in order, in one part or several. Raises what the request raises."""
        return list(await asyncio.gather(*(self._embed(part) for part in _split(texts))))

    async def _embed(self, texts: Sequence[str]) -> Embeddings:
        loop = asyncio.get_running_loop()
        tokens = sum(map(estimated_tokens, texts))
        if self._texts + len(texts) > MAX_TEXTS or self._tokens + tokens > MAX_TOKENS:
            self._send()
        self._texts, self._tokens = self._texts + len(texts), self._tokens + tokens
        future: asyncio.Future[Embeddings] = loop.create_future()
        self._callers.append((texts, future))
        if self._timer is None:
            self._deadline = loop.time() + MAX_WAIT_SECONDS
        else:
            self._timer.cancel()
        self._timer = loop.call_at(min(self._deadline, loop.time() + PAUSE_SECONDS), self._send)
        return await future

    def _send(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        batch, self._callers = self._callers, []
        self._texts = self._tokens = 0
        if batch:
            task = asyncio.get_running_loop().create_task(self._answer(batch))
            self._requests.add(task)
            task.add_done_callback(self._requests.discard)

    async def _answer(self, batch: list[Caller]) -> None:
        all_texts = [text for texts, _ in batch for text in texts]
        log("embeddings", callers=len(batch), texts=len(all_texts))
        try:
            embeddings = await self._request(all_texts)
        except GiveUp as problem:
            if len(batch) == 1:
                _fail(batch, problem)
                return
            for caller in batch:  # one text that is refused must not refuse the others
                await self._answer([caller])
        except BaseException as problem:  # noqa: BLE001 - every caller of the batch gets it
            _fail(batch, problem)
        else:
            _share(batch, embeddings)


def embedding_request(deployment: Deployment, dimensions: int, seconds: float) -> EmbedRequest:
    """Return the batcher's request to an embedding model for vectors of `dimensions` numbers."""

    async def embed(texts: Sequence[str]) -> Embeddings:
        with openai_errors("embeddings"):
            response = await deployment.client.embeddings.create(
                model=deployment.name, input=list(texts), dimensions=dimensions
            )
            vectors = [item.embedding for item in response.data]
        wrong = {len(vector) for vector in vectors} - {dimensions}
        if wrong or len(vectors) != len(texts):
            expected = f"{len(texts)} vectors of {dimensions} dimensions"
            raise GiveUp("wrong_embeddings", f"expected {expected}, got {len(vectors)}, other dimensions: {wrong}")
        return Embeddings(vectors, response.usage.prompt_tokens, response.model)

    async def request(texts: Sequence[str]) -> Embeddings:
        return await deployment.call(lambda: embed(texts), seconds)

    return request


def estimated_tokens(text: str) -> int:
    return len(text.encode(errors="replace")) // BYTES_PER_TOKEN + 1


def _split(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    """Yield the texts in order, in parts of at most one request; a text that is too long goes alone."""
    start, tokens = 0, 0
    for end, text in enumerate(texts):
        tokens += estimated_tokens(text)
        if end > start and (end - start == MAX_TEXTS or tokens > MAX_TOKENS):
            yield texts[start:end]
            start, tokens = end, estimated_tokens(text)
    if texts:
        yield texts[start:]


def _fail(batch: list[Caller], problem: BaseException) -> None:
    for _, future in batch:
        if not future.done():
            future.set_exception(problem)


def _share(batch: list[Caller], embeddings: Embeddings) -> None:
    """Give each caller its vectors, and tokens by its share of characters, so that they add up to the charge."""
    sizes = [sum(len(text) for text in texts) for texts, _ in batch]
    start, spent, characters, total = 0, 0, 0, max(1, sum(sizes))
    for (texts, future), size in zip(batch, sizes, strict=True):
        vectors = embeddings.vectors[start : start + len(texts)]
        start, characters = start + len(texts), characters + size
        spent_so_far = embeddings.tokens * characters // total
        if not future.done():
            future.set_result(Embeddings(vectors, spent_so_far - spent, embeddings.model))
        spent = spent_so_far
