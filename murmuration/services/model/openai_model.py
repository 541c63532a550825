"""A `Model` through the openai SDK: Azure OpenAI, OpenAI, or any server that speaks its API.

The SDK's own retries are off: a `RetryLater` becomes a durable sleep, during which no function is held.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from openai import AsyncOpenAI
from pydantic import JsonValue

from murmuration.agents.loader import Agent
from murmuration.contracts.base import Reply
from murmuration.contracts.usage import Tokens, used
from murmuration.services.errors import GiveUp, Pending, Refused, RetryLater
from murmuration.services.model import background, extractive
from murmuration.services.model.agent_question import AgentQuestion
from murmuration.services.model.background import StartedResponse
from murmuration.services.model.breaker import CircuitOpen
from murmuration.services.model.embeddings import EmbeddingBatcher
from murmuration.services.model.errors import TemperatureRefused, openai_errors
from murmuration.services.model.fallback import Deployment, first_available
from murmuration.services.model.model import find_agent
from murmuration.services.model.wire import Completion, ModelRequest, chat_complete, respond
from murmuration.services.setting_values import Chain
from murmuration.services.settings import Settings
from murmuration.services.step_context import StepContext

R = TypeVar("R", bound=Reply)
T = TypeVar("T")
Ask = Callable[[AgentQuestion, Deployment], Awaitable[str]]


@dataclass(frozen=True)
class ModelClients:
    """Connections, and the state of each deployment: they live as long as the process."""

    deployments: Mapping[str, Deployment]
    """The deployments by their labels in the settings."""
    embeddings: EmbeddingBatcher
    seconds: float
    """How long one question may take, waiting for a slot included."""


class OpenAIModel:
    """A `Model` for one attempt at a step; it records in the step's context what it used."""

    def __init__(self, clients: ModelClients, settings: Settings, step_context: StepContext) -> None:
        self._clients = clients
        self._settings = settings
        self._step_context = step_context

    async def ask(self, agent: str, question: Mapping[str, JsonValue], reply: type[R]) -> R:
        return await self.ask_agent(find_agent(agent), question, reply)

    async def ask_agent(self, agent: Agent, question: Mapping[str, JsonValue], reply: type[R]) -> R:
        """Ask an agent. One in the background raises `Pending` until it is done; a step may ask only one of these."""
        self._step_context.prompts[agent.name] = agent.version
        agent_question = AgentQuestion(agent, question)
        in_background = agent.background and self._settings.model_api == "responses"
        text = await self._fetch(agent_question) if in_background else None
        while True:
            if text is None:
                text = await self._ask_chain(agent_question, self._start if in_background else self._complete)
            result = agent_question.read(text, reply)
            if result is not None:
                return result
            text = None

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        parts = await self._clients.embeddings.embed(texts)
        for part in parts:
            tokens = Tokens(embedding=part.tokens)
            self._step_context.record_usage(used(self._settings.embedding_model, tokens), part.model)
        return [vector for part in parts for vector in part.vectors]

    async def cancel(self, token: str) -> None:
        started = StartedResponse.from_token(token)
        with openai_errors("background"):
            await background.cancel(self._deployment(started.deployment).client, started.response)

    async def _ask_chain(self, question: AgentQuestion, ask: Ask) -> str:
        """Return the text of the first deployment of the agent's tier that answers."""
        chain = self._chain(question.agent)
        last_attempt = self._step_context.last_attempt
        try:
            deployment, text = await first_available(
                [self._deployment(deployment.label) for deployment in chain.deployments],
                lambda deployment: ask(question, deployment),
                last_attempt=last_attempt,
                seconds=self._clients.seconds,
            )
        except RetryLater as problem:
            if not chain.extractive or not (last_attempt or isinstance(problem, CircuitOpen)):
                raise
            return self._without_model(question)
        self._note_fallback(question, deployment)
        return text

    def _without_model(self, question: AgentQuestion) -> str:
        text = extractive.extractive_reply(question.agent.name, question.content)
        if text is None:
            raise GiveUp("model_unavailable", f"no model can be reached, and {question.agent.name} needs one")
        self._step_context.models.add(extractive.NAME)
        self._step_context.degraded.add("extractive_fallback")
        return text

    def _note_fallback(self, question: AgentQuestion, deployment: Deployment) -> None:
        if deployment.label != self._chain(question.agent).deployments[0].label:
            self._step_context.degraded.add("second_model")

    async def _complete(self, question: AgentQuestion, deployment: Deployment) -> str:
        complete = respond if self._settings.model_api == "responses" else chat_complete
        return self._accept(question, deployment, await _send(question, deployment, complete))

    async def _start(self, question: AgentQuestion, deployment: Deployment) -> str:
        """Start a response in the background; always raises `Pending`."""
        response = await _send(question, deployment, background.start)
        raise Pending(StartedResponse(deployment.label, question.corrections, response).token)

    async def _fetch(self, question: AgentQuestion) -> str | None:
        """Return the text that an earlier attempt has started; None if none has. Raises `Pending` until it is there."""
        if self._step_context.token is None:
            return None
        started = StartedResponse.from_token(self._step_context.token)
        question.corrections = started.corrections
        deployment = self._deployment(started.deployment)
        try:
            with openai_errors(question.agent.name):
                completion = await background.fetch(deployment.client, started.response)
        except background.ResponseFailed:
            self._step_context.token = None
            raise
        if completion is None:
            raise Pending(started.token)
        self._step_context.token = None
        self._note_fallback(question, deployment)
        return self._accept(question, deployment, completion)

    def _accept(self, question: AgentQuestion, deployment: Deployment, completion: Completion) -> str:
        """Record what a completion used, and return its text; raises `Refused`."""
        self._step_context.record_usage(used(deployment.name, completion.tokens, calls=1), completion.model)
        if completion.refused:
            raise Refused("model_refused", f"the model refused to answer as {question.agent.name}")
        return completion.text

    def _chain(self, agent: Agent) -> Chain:
        return self._settings.chains["fast" if self._step_context.downgrade_model else agent.tier]

    def _deployment(self, label: str) -> Deployment:
        deployment = self._clients.deployments.get(label)
        if deployment is None:
            raise GiveUp("background_expired", f"the deployment {label!r} is no longer in the settings")
        return deployment


async def _send(
    question: AgentQuestion, deployment: Deployment, send: Callable[[AsyncOpenAI, ModelRequest], Awaitable[T]]
) -> T:
    """Send a question; without a temperature from now on if the model refuses it."""
    request = question.request(deployment.name, temperature=deployment.takes_temperature)
    try:
        with openai_errors(question.agent.name):
            return await send(deployment.client, request)
    except TemperatureRefused:
        if request.temperature is None:
            raise GiveUp("model_rejected_request", "the model refuses a temperature that it was not given") from None
        deployment.takes_temperature = False
        return await _send(question, deployment, send)
