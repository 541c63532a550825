"""The embedding models, by the name that a request asks for, and the order in which requests use the processors."""

import asyncio
import contextlib
import os
from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from loopback.model import embeddings, minilm
from loopback.model.bert import Array
from loopback.model.errors import ApiError, model_not_found

HASH = "local-hash"
MAX_DIMENSIONS = 4_096
BATCH_TEXTS = 16
"""Texts that one processor embeds before a waiting short request gets its turn."""


class Embedder(Protocol):
    """A model of embeddings; its answers carry `name`."""

    @property
    def name(self) -> str: ...

    @property
    def description(self) -> str: ...

    def check(self) -> None:
        """Raise `ApiError` when the model can't be used on this machine; loads nothing."""
        ...

    def embed(self, texts: Sequence[str], dimensions: int | None) -> Array:
        """Return one unit vector per text, (texts, dimensions); None means the model's own dimensions.

        Many threads call it at once. Raises `ApiError`.
        """
        ...


class HashEmbedder:
    """Feature hashing, in any number of dimensions."""

    name = embeddings.NAME
    description = "feature hashing; tells words apart, not meanings"

    def check(self) -> None:
        """Pass: it needs nothing that could be missing."""

    def embed(self, texts: Sequence[str], dimensions: int | None) -> Array:
        dimensions = embeddings.DIMENSIONS if dimensions is None else dimensions
        if not 2 <= dimensions <= MAX_DIMENSIONS:
            message = f"dimensions is {dimensions!r}: it must be 2 to {MAX_DIMENSIONS}"
            raise ApiError(400, message, param="dimensions")
        return embeddings.embed(texts, dimensions)


Embedders = Mapping[str, Embedder]


def all_embedders() -> Embedders:
    """Return every embedding model, also those that are not installed."""
    return {HASH: HashEmbedder(), minilm.NAME: minilm.MiniLM()}


def find_embedder(embedders: Embedders, name: str) -> Embedder:
    """Return the model of that name; raises `ApiError` when it is unknown or not installed."""
    embedder = embedders.get(name)
    if embedder is None:
        raise model_not_found(f"there is no embedding model {name!r}: use {' or '.join(embedders)}")
    embedder.check()
    return embedder


class EmbeddingQueue:
    """Shares the processors among requests: long ones run one after another, a short one goes between their batches.

    So a question need not wait until hundreds of passages are embedded. A request whose client has gone stops.
    """

    def __init__(self, processors: int | None = None) -> None:
        self._processors = processors or os.cpu_count() or 1
        self._long_request = asyncio.Lock()
        self._slots = asyncio.Semaphore(self._processors)

    async def embed(self, embedder: Embedder, texts: Sequence[str], dimensions: int | None) -> Array:
        """Embed the texts when it is their turn; raises `ApiError`."""
        vectors: list[Array] = []
        step = BATCH_TEXTS * self._processors
        async with self._long_request if len(texts) > BATCH_TEXTS else contextlib.nullcontext():
            for start in range(0, len(texts), step):
                part = texts[start : start + step]
                batches = [part[first : first + BATCH_TEXTS] for first in range(0, len(part), BATCH_TEXTS)]
                vectors += await asyncio.gather(*(self._embed(embedder, batch, dimensions) for batch in batches))
        return np.concatenate(vectors)

    async def _embed(self, embedder: Embedder, texts: Sequence[str], dimensions: int | None) -> Array:
        async with self._slots:
            return await asyncio.to_thread(embedder.embed, texts, dimensions)
