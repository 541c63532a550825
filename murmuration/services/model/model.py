"""The model as steps use it. `openai_model.py` reaches the services."""

from collections.abc import Mapping, Sequence
from typing import Protocol, TypeVar

from pydantic import JsonValue

from murmuration.agents.loader import Agent, AgentError, load_agent
from murmuration.contracts.base import Reply
from murmuration.services.errors import GiveUp

R = TypeVar("R", bound=Reply)


class Model(Protocol):
    """Agents, embeddings and background work. Every method raises `StepError`s."""

    async def ask(self, agent: str, question: Mapping[str, JsonValue], reply: type[R]) -> R:
        """Ask the agent of this name; returns its reply, as its contract. May raise `Pending`."""
        ...

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Return one vector per text, in order, of the dimensions in the settings."""
        ...

    async def cancel(self, token: str) -> None:
        """Cancel the work behind a `Pending`; work that has ended stays as it is."""
        ...


def find_agent(name: str) -> Agent:
    """Return the agent of this name; raises `GiveUp`."""
    try:
        return load_agent(name)
    except AgentError as problem:
        raise GiveUp("unknown_agent", str(problem)) from problem
