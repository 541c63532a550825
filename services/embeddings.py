"""Embeddings that are asked for within a few milliseconds of each other go out as one request.

A fan-out of a hundred agents asks for a hundred vectors at once; one by one they would be a hundred requests, and meet
the rate limit of the embedding model before anything else does.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from services.errors import GiveUp

WINDOW_SECONDS = 0.01
"""How long the first text waits for others."""
MOST_TEXTS = 256
"""Per request: the API takes 2,048, but at most 300,000 tokens of them."""


@dataclass(frozen=True)
class Embedded:
    """What came back for some texts: their vectors in order, and what they cost."""

    vectors: list[list[float]]
    tokens: int
    model: str


Request = Callable[[Sequence[str]], Awaitable[Embedded]]
Waiting = tuple[Sequence[str], "asyncio.Future[Embedded]"]


class EmbeddingBatcher:
    """Belongs to one event loop. `request` asks the model, for `MOST_TEXTS` texts at most."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._waiting: list[Waiting] = []
        self._sending: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None

    async def embed(self, texts: Sequence[str]) -> list[Embedded]:
        """Of all texts, in order. Raises what `request` raises."""
        pieces = [texts[start : start + MOST_TEXTS] for start in range(0, len(texts), MOST_TEXTS)]
        return list(await asyncio.gather(*(self._embed(piece) for piece in pieces)))

    async def _embed(self, texts: Sequence[str]) -> Embedded:
        loop = asyncio.get_running_loop()
        if sum(len(each) for each, _ in self._waiting) + len(texts) > MOST_TEXTS:
            self._send()
        future: asyncio.Future[Embedded] = loop.create_future()
        self._waiting.append((texts, future))
        if self._timer is None:
            self._timer = loop.call_later(WINDOW_SECONDS, self._send)
        return await future

    def _send(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        batch, self._waiting = self._waiting, []
        if batch:
            task = asyncio.get_running_loop().create_task(self._ask(batch))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    async def _ask(self, batch: list[Waiting]) -> None:
        try:
            answer = await self._request([text for texts, _ in batch for text in texts])
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
