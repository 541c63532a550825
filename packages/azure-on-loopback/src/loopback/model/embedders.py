"""Which models of embeddings there are, by the name that a request asks for."""

import asyncio
import contextlib
import os
from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from loopback.model import embeddings, minilm
from loopback.model.bert import Array
from loopback.model.problems import Fault, no_such_model

HASH = "local-hash"
MAX_DIMENSIONS = 4_096
TEXTS_AT_ONCE = 16
"""By one processor; between them a short request gets its turn."""


class Embedder(Protocol):
    """A model of embeddings; `name` is what its answers say."""

    @property
    def name(self) -> str: ...

    @property
    def description(self) -> str: ...

    def check(self) -> None:
        """Raises `Fault` when it is plain, without loading anything, that it can't be used here."""
        ...

    def embed(self, texts: Sequence[str], dimensions: int | None) -> Array:
        """One unit vector per text; None: as many numbers as suit the model. Called by many threads. Raises `Fault`."""
        ...


class HashEmbedder:
    """Feature hashing, of any dimensions."""

    name = embeddings.NAME
    description = "feature hashing; tells words apart, not meanings"

    def check(self) -> None:
        """It is always there."""

    def embed(self, texts: Sequence[str], dimensions: int | None) -> Array:
        dimensions = embeddings.DIMENSIONS if dimensions is None else dimensions
        if not 2 <= dimensions <= MAX_DIMENSIONS:
            raise Fault(400, f"dimensions is {dimensions!r}: 2 to {MAX_DIMENSIONS}", param="dimensions")
        return embeddings.embed(texts, dimensions)


Embedders = Mapping[str, Embedder]


def all_embedders() -> Embedders:
    return {HASH: HashEmbedder(), minilm.NAME: minilm.MiniLM()}


def chosen(embedders: Embedders, name: str) -> Embedder:
    """The one that `name` asks for, ready to be used as far as can be told without loading it. Raises `Fault`."""
    embedder = embedders.get(name)
    if embedder is None:
        raise no_such_model(f"there is no model {name!r} of embeddings: use {' or '.join(embedders)}")
    embedder.check()
    return embedder


class InTurn:
    """As many texts at a time as there are processors to work on them: long requests in the order of their coming, and
    a short one, a question, need not wait until hundreds of passages are done. A request whose sender has gone stops.
    """

    def __init__(self, processors: int | None = None) -> None:
        self._processors = processors or os.cpu_count() or 1
        self._long = asyncio.Lock()
        self._turns = asyncio.Semaphore(self._processors)

    async def embed(self, embedder: Embedder, texts: Sequence[str], dimensions: int | None) -> Array:
        """Raises `Fault`."""
        vectors: list[Array] = []
        together = TEXTS_AT_ONCE * self._processors
        async with self._long if len(texts) > TEXTS_AT_ONCE else contextlib.nullcontext():
            for start in range(0, len(texts), together):
                some = texts[start : start + together]
                pieces = [some[place : place + TEXTS_AT_ONCE] for place in range(0, len(some), TEXTS_AT_ONCE)]
                vectors += await asyncio.gather(*(self._embed(embedder, piece, dimensions) for piece in pieces))
        return np.concatenate(vectors)

    async def _embed(self, embedder: Embedder, texts: Sequence[str], dimensions: int | None) -> Array:
        async with self._turns:
            return await asyncio.to_thread(embedder.embed, texts, dimensions)
