"""A model with a fixed reply, and artifacts in memory."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pydantic import JsonValue

from murmuration.contracts.base import Reply
from murmuration.contracts.content import Reference

R = TypeVar("R", bound=Reply)


class FakeModel:
    """A `Model` that gives every agent the same reply, and records its questions."""

    def __init__(self, **reply: Any) -> None:
        self._reply = reply
        self.questions: list[Mapping[str, JsonValue]] = []

    async def ask(self, agent: str, question: Mapping[str, JsonValue], reply: type[R]) -> R:
        self.questions.append(question)
        return reply.model_validate(self._reply)

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        raise NotImplementedError

    async def cancel(self, token: str) -> None:
        raise NotImplementedError


class FakeArtifacts:
    """`Artifacts` in memory."""

    def __init__(self) -> None:
        self._bodies: dict[str, bytes] = {}

    async def put(self, body: bytes) -> Reference:
        name = hashlib.sha256(body).hexdigest()
        self._bodies[name] = body
        return Reference(artifact=name, bytes=len(body))

    async def get(self, reference: Reference) -> bytes:
        return self._bodies[reference.artifact]
