"""Language models and embeddings through the openai SDK: Azure OpenAI, OpenAI, or any server that speaks it.

The SDK's own retries are off: a `RetryLater` becomes a durable sleep, during which no function is held.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeVar

from pydantic import JsonValue, ValidationError

from agents.loader import Agent, load_agent
from contracts.base import Reply
from contracts.usage import Usage
from services.embeddings import Embedded, EmbeddingBatcher, Request
from services.errors import GiveUp, Refused
from services.ledger import Ledger
from services.model_errors import TemperatureRefused, translated
from services.model_wire import Message, Question, chat_complete, respond
from services.settings import Settings
from services.telemetry import log

if TYPE_CHECKING:
    from openai import AsyncOpenAI

R = TypeVar("R", bound=Reply)

ASKED_AGAIN = 2
"""How often a reply that can't be used is asked for again, with the reason, before the step fails closed."""


class Model(Protocol):
    async def ask(self, agent: str, question: Mapping[str, JsonValue], reply: type[R]) -> R: ...

    async def embed(self, texts: Sequence[str]) -> list[list[float]]: ...


class Unusable(Exception):
    """The model replied, but not with what was asked for; the message tells it why."""


@dataclass(frozen=True)
class ModelClients:
    """What lives as long as the process: connections, and what was learned about the models."""

    chat: "AsyncOpenAI"
    embeddings: EmbeddingBatcher
    without_temperature: set[str] = field(default_factory=set)
    """Models that refuse the parameter, as reasoning models do."""


class OpenAIModel:
    """Asks agents, and charges what it used to the step's ledger. Raises `StepError`s only."""

    def __init__(self, clients: ModelClients, settings: Settings, ledger: Ledger) -> None:
        self._clients = clients
        self._settings = settings
        self._ledger = ledger

    async def ask(self, agent: str, question: Mapping[str, JsonValue], reply: type[R]) -> R:
        """The agent's reply to `question`, a JSON object, as its contract."""
        asked = load_agent(agent)
        self._ledger.prompts[asked.name] = asked.version
        messages: list[Message] = [{"role": "user", "content": json.dumps(question, ensure_ascii=False)}]
        for _ in range(1 + ASKED_AGAIN):
            text = await self._complete(asked, messages)
            try:
                return _parsed(text, reply)
            except Unusable as problem:
                log("reply_unusable", agent=asked.name, reason=str(problem)[:200])
                messages = [
                    messages[0],
                    {"role": "assistant", "content": text or "(nothing)"},
                    {
                        "role": "user",
                        "content": f"That can't be used: {problem}. Reply again, with the JSON alone.",
                    },
                ]
        raise GiveUp("unusable_reply", f"{asked.name} gave no usable reply in {1 + ASKED_AGAIN} attempts")

    async def _complete(self, agent: Agent, messages: list[Message]) -> str:
        model = self._settings.models[agent.tier]
        question = Question(
            model=model,
            prompt=agent.prompt,
            messages=messages,
            name=agent.name,
            schema=agent.contract.model_json_schema(mode="serialization"),
            temperature=None if model in self._clients.without_temperature else agent.temperature,
        )
        complete = respond if self._settings.model_api == "responses" else chat_complete
        try:
            with translated(agent.name):
                completion = await complete(self._clients.chat, question)
        except TemperatureRefused:
            self._clients.without_temperature.add(model)
            return await self._complete(agent, messages)
        self._ledger.charge(completion.usage, completion.model)
        if completion.refused:
            raise Refused("model_refused", f"the model refused to answer as {agent.name}")
        return completion.text

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """One vector per text, in order, of the dimensions in the settings."""
        answers = await self._clients.embeddings.embed(texts)
        for answer in answers:
            self._ledger.charge(Usage(embedding_tokens=answer.tokens), answer.model)
        return [vector for answer in answers for vector in answer.vectors]


def embedding_request(client: "AsyncOpenAI", settings: Settings) -> Request:
    """How the batcher asks the embedding model of the settings."""

    async def request(texts: Sequence[str]) -> Embedded:
        with translated("embeddings"):
            answer = await client.embeddings.create(
                model=settings.embedding_model, input=list(texts), dimensions=settings.embedding_dimensions
            )
            vectors = [item.embedding for item in answer.data]
        wrong = {len(vector) for vector in vectors} - {settings.embedding_dimensions}
        if wrong or len(vectors) != len(texts):
            expected = f"{len(texts)} vectors of {settings.embedding_dimensions} dimensions"
            raise GiveUp("wrong_embeddings", f"expected {expected}, got {len(vectors)}, other dimensions: {wrong}")
        return Embedded(vectors, answer.usage.prompt_tokens, answer.model)

    return request


def _parsed(text: str, reply: type[R]) -> R:
    try:
        return reply.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the reply"
        raise Unusable(f"{where}: {first['msg']}") from error
