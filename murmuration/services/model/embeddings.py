"""Embeddings that are asked for within a few milliseconds of each other go out as one request.

A fan-out of a hundred agents asks for a hundred vectors at once; one by one they would be a hundred requests, and meet
the rate limit of the embedding model before anything else does.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass

from murmuration.services.errors import GiveUp
from murmuration.services.model.errors import translated
from murmuration.services.model.fallback import Deployment
from murmuration.services.telemetry.log import log

WINDOW_SECONDS = 0.01
"""How long the first text waits for others at most."""
PAUSE_SECONDS = 0.003
"""After the last text; then no others are expected soon."""
MAX_TEXTS = 256
"""Per request: the API takes 2,048, whose vectors would be 16 MB to wait for."""
MAX_TOKENS = 250_000
"""Per request: the API takes 300,000, and these are estimated."""
BYTES_PER_TOKEN = 3
"""Fewer than texts have (English 4 to 5, Chinese 3): what is estimated is rather too much."""


@dataclass(frozen=True)
class Embedded:
    """What came back for some texts: their vectors in order, and what they cost."""

    vectors: list[list[float]]
    tokens: int
    model: str


Request = Callable[[Sequence[str]], Awaitable[Embedded]]
Waiting = tuple[Sequence[str], "asyncio.Future[Embedded]"]


class EmbeddingBatcher:
    """Belongs to one event loop. `request` asks the model, for what it takes at once."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._waiting: list[Waiting] = []
        self._texts = self._tokens = 0
        """Of those who wait."""
        self._sending: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._until = 0.0
        """When those who wait have waited long enough, by the loop's clock."""

    async def embed(self, texts: Sequence[str]) -> list[Embedded]:
        """Of all texts, in order. Raises what `request` raises."""
        return list(await asyncio.gather(*(self._embed(piece) for piece in _pieces(texts))))

    async def _embed(self, texts: Sequence[str]) -> Embedded:
        loop = asyncio.get_running_loop()
        tokens = sum(map(estimated_tokens, texts))
        if self._texts + len(texts) > MAX_TEXTS or self._tokens + tokens > MAX_TOKENS:
            self._send()
        self._texts, self._tokens = self._texts + len(texts), self._tokens + tokens
        future: asyncio.Future[Embedded] = loop.create_future()
        self._waiting.append((texts, future))
        if self._timer is None:
            self._until = loop.time() + WINDOW_SECONDS
        else:
            self._timer.cancel()
        self._timer = loop.call_at(min(self._until, loop.time() + PAUSE_SECONDS), self._send)
        return await future

    def _send(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        batch, self._waiting = self._waiting, []
        self._texts = self._tokens = 0
        if batch:
            task = asyncio.get_running_loop().create_task(self._ask(batch))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    async def _ask(self, batch: list[Waiting]) -> None:
        texts = [text for each, _ in batch for text in each]
        log("embeddings", asked=len(batch), texts=len(texts))
        try:
            answer = await self._request(texts)
        except GiveUp as problem:
            if len(batch) == 1:
                _fail(batch, problem)
                return
            for each in batch:  # one text that is refused must not refuse the others
                await self._ask([each])
        except BaseException as problem:  # noqa: BLE001 - it is everybody's who waits
            _fail(batch, problem)
        else:
            _share(batch, answer)


def embedding_request(link: Deployment, dimensions: int, seconds: float) -> Request:
    """How the batcher asks an embedding model for vectors of so many dimensions."""

    async def ask(texts: Sequence[str]) -> Embedded:
        with translated("embeddings"):
            answer = await link.client.embeddings.create(model=link.name, input=list(texts), dimensions=dimensions)
            vectors = [item.embedding for item in answer.data]
        wrong = {len(vector) for vector in vectors} - {dimensions}
        if wrong or len(vectors) != len(texts):
            expected = f"{len(texts)} vectors of {dimensions} dimensions"
            raise GiveUp("wrong_embeddings", f"expected {expected}, got {len(vectors)}, other dimensions: {wrong}")
        return Embedded(vectors, answer.usage.prompt_tokens, answer.model)

    async def request(texts: Sequence[str]) -> Embedded:
        return await link.call(lambda: ask(texts), seconds)

    return request


def _pieces(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    """The texts in order, each piece no more than one request takes; a text that is too long goes alone."""
    start, tokens = 0, 0
    for end, text in enumerate(texts):
        tokens += estimated_tokens(text)
        if end > start and (end - start == MAX_TEXTS or tokens > MAX_TOKENS):
            yield texts[start:end]
            start, tokens = end, estimated_tokens(text)
    if texts:
        yield texts[start:]


def estimated_tokens(text: str) -> int:
    return len(text.encode(errors="replace")) // BYTES_PER_TOKEN + 1


def _fail(batch: list[Waiting], problem: BaseException) -> None:
    for _, future in batch:
        if not future.done():
            future.set_exception(problem)


def _share(batch: list[Waiting], answer: Embedded) -> None:
    """To each its vectors; the tokens by the share of characters, so that the sum is what was charged."""
    sizes = [sum(len(text) for text in texts) for texts, _ in batch]
    start, spent, passed, total = 0, 0, 0, max(1, sum(sizes))
    for (texts, future), size in zip(batch, sizes, strict=True):
        vectors = answer.vectors[start : start + len(texts)]
        start, passed = start + len(texts), passed + size
        upto = answer.tokens * passed // total
        if not future.done():
            future.set_result(Embedded(vectors, upto - spent, answer.model))
        spent = upto
