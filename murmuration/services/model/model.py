"""Language models and embeddings through the openai SDK: Azure OpenAI, OpenAI, or any server that speaks it.

The SDK's own retries are off: a `RetryLater` becomes a durable sleep, during which no function is held.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

from pydantic import JsonValue

from murmuration.agents.loader import Agent, AgentError, load_agent
from murmuration.contracts.base import Reply
from murmuration.contracts.usage import Tokens, used
from murmuration.services.errors import GiveUp, Pending, Refused, RetryLater
from murmuration.services.model import background, extractive
from murmuration.services.model.agent_question import Conversation
from murmuration.services.model.breaker import CircuitOpen
from murmuration.services.model.embeddings import EmbeddingBatcher
from murmuration.services.model.errors import TemperatureRefused, translated
from murmuration.services.model.fallback import Deployment, first_available
from murmuration.services.model.wire import Completion, Question, chat_complete, respond
from murmuration.services.step_context import StepContext

if TYPE_CHECKING:
    from openai import AsyncOpenAI

    from murmuration.services.setting_values import Tier
    from murmuration.services.settings import Settings

R = TypeVar("R", bound=Reply)
T = TypeVar("T")
Ask = Callable[[Conversation, Deployment], Awaitable[str]]


class Model(Protocol):
    async def ask(self, agent: str, question: Mapping[str, JsonValue], reply: type[R]) -> R: ...

    async def embed(self, texts: Sequence[str]) -> list[list[float]]: ...

    async def cancel(self, token: str) -> None: ...


@dataclass(frozen=True)
class ModelClients:
    """What lives as long as the process: connections, and what was learned about the models."""

    links: Mapping[str, Deployment]
    """By their labels in the settings."""
    embeddings: EmbeddingBatcher
    seconds: float
    """How long one question may take, waiting for a place included."""


def find_agent(name: str) -> Agent:
    """The agent of this name; raises `GiveUp`."""
    try:
        return load_agent(name)
    except AgentError as problem:
        raise GiveUp("unknown_agent", str(problem)) from problem


class OpenAIModel:
    """Asks agents, and records what it used in the step's context. Raises `StepError`s, and `Pending`."""

    def __init__(self, clients: ModelClients, settings: "Settings", step_context: StepContext) -> None:
        self._clients = clients
        self._settings = settings
        self._step_context = step_context

    async def ask(self, agent: str, question: Mapping[str, JsonValue], reply: type[R]) -> R:
        """The reply of the agent of that name to `question`, a JSON object, as its contract."""
        return await self.ask_as(find_agent(agent), question, reply)

    async def ask_as(self, agent: Agent, question: Mapping[str, JsonValue], reply: type[R]) -> R:
        """As `ask`. An agent that works in the background is `Pending` until it is done; one of them a step."""
        self._step_context.prompts[agent.name] = agent.version
        conversation = Conversation(agent, question)
        in_background = agent.background and self._settings.model_api == "responses"
        text = await self._fetched(conversation) if in_background else None
        while True:
            if text is None:
                text = await self._through_chain(conversation, self._start if in_background else self._complete)
            answer = conversation.read(text, reply)
            if answer is not None:
                return answer
            text = None

    def _tier(self, agent: Agent) -> "Tier":
        return "fast" if self._step_context.downgrade_model else agent.tier

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """One vector per text, in order, of the dimensions in the settings."""
        answers = await self._clients.embeddings.embed(texts)
        for answer in answers:
            tokens = Tokens(embedding=answer.tokens)
            self._step_context.record_usage(used(self._settings.embedding_model, tokens), answer.model)
        return [vector for answer in answers for vector in answer.vectors]

    async def cancel(self, token: str) -> None:
        """End what `Pending` told of; what has ended already stays as it is."""
        started = background.Started.of(token)
        with translated("background"):
            await background.cancel(self._link(started.deployment).client, started.response)

    async def _through_chain(self, conversation: Conversation, ask: Ask) -> str:
        """The text of the first link of the agent's tier that answers."""
        chain = self._settings.chains[self._tier(conversation.agent)]
        last = self._step_context.last_attempt
        try:
            link, text = await first_available(
                [self._link(deployment.label) for deployment in chain.deployments],
                lambda link: ask(conversation, link),
                last_attempt=last,
                seconds=self._clients.seconds,
            )
        except RetryLater as problem:
            if not chain.extractive or not (last or isinstance(problem, CircuitOpen)):
                raise
            return self._without_model(conversation)
        self._note_place(conversation, link.label)
        return text

    def _without_model(self, conversation: Conversation) -> str:
        text = extractive.extractive_reply(conversation.agent.name, conversation.question)
        if text is None:
            raise GiveUp("model_unavailable", f"no model can be reached, and {conversation.agent.name} needs one")
        self._step_context.models.add(extractive.NAME)
        self._step_context.degraded.add("extractive_fallback")
        return text

    def _note_place(self, conversation: Conversation, label: str) -> None:
        if label != self._settings.chains[self._tier(conversation.agent)].deployments[0].label:
            self._step_context.degraded.add("second_model")

    async def _complete(self, conversation: Conversation, link: Deployment) -> str:
        complete = respond if self._settings.model_api == "responses" else chat_complete
        return self._taken(conversation, link, await _sent(conversation, link, complete))

    async def _start(self, conversation: Conversation, link: Deployment) -> str:
        """Never returns: raises `Pending`."""
        response = await _sent(conversation, link, background.start)
        raise Pending(background.Started(link.label, conversation.repeats, response).token)

    async def _fetched(self, conversation: Conversation) -> str | None:
        """The text of what an earlier attempt has started; None: nothing was. Raises `Pending` until it is there."""
        if self._step_context.token is None:
            return None
        started = background.Started.of(self._step_context.token)
        conversation.repeats = started.repeats
        link = self._link(started.deployment)
        try:
            with translated(conversation.agent.name):
                completion = await background.fetch(link.client, started.response)
        except background.Broken:
            self._step_context.token = None
            raise
        if completion is None:
            raise Pending(started.token)
        self._step_context.token = None
        self._note_place(conversation, link.label)
        return self._taken(conversation, link, completion)

    def _taken(self, conversation: Conversation, link: Deployment, completion: Completion) -> str:
        self._step_context.record_usage(used(link.name, completion.tokens, calls=1), completion.model)
        if completion.refused:
            raise Refused("model_refused", f"the model refused to answer as {conversation.agent.name}")
        return completion.text

    def _link(self, label: str) -> Deployment:
        link = self._clients.links.get(label)
        if link is None:
            raise GiveUp("background_expired", f"the deployment {label!r} is no longer in the settings")
        return link


async def _sent(
    conversation: Conversation, link: Deployment, send: Callable[["AsyncOpenAI", Question], Awaitable[T]]
) -> T:
    question = conversation.asked_of(link.name, temperature=link.takes_temperature)
    try:
        with translated(conversation.agent.name):
            return await send(link.client, question)
    except TemperatureRefused:
        if question.temperature is None:
            raise GiveUp("model_rejected_request", "the model refuses a temperature that it was not given") from None
        link.takes_temperature = False
        return await _sent(conversation, link, send)
