"""Reads agents from their Markdown files."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from murmuration.contracts.base import Reply
from murmuration.contracts.plans import TaskType
from murmuration.contracts.replies import REPLIES

FENCE = "+++\n"


class AgentError(Exception):
    """An agent's file can't be used; the message names the file and the field."""


class Agent(BaseModel):
    """How one agent is asked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z][a-z_]{0,63}$")
    """Also the name of its structured output, by which a provider's logs can tell agents apart."""
    version: str = Field(pattern=r"^\d+(\.\d+)*$")
    """Raised with every change of the text or of the settings; recorded with each run."""
    tier: Literal["fast", "standard", "reasoning"]
    temperature: float = Field(ge=0, le=2)
    reply: str
    """The name of a contract in `murmuration.contracts.replies`."""
    task_type: TaskType | None = None
    """The type of tasks that it performs, if it does."""
    background: bool = False
    """Whether the provider works on it while nobody waits: for answers that take minutes."""
    purpose: str = Field(min_length=1, max_length=500)
    """What it is good for: it can be found by this."""
    examples: tuple[str, ...] = ()
    """Of what it may be asked."""
    prompt: str = Field(min_length=1)

    @property
    def contract(self) -> type[Reply]:
        return REPLIES[self.reply]


@cache
def load_agent(name: str) -> Agent:
    """The agent of `agents/<name>.md`; raises `AgentError`."""
    return agent_from(Path(__file__).with_name(f"{name}.md"))


def all_agents() -> list[Agent]:
    """Every agent, by name; raises `AgentError`."""
    return [load_agent(path.stem) for path in sorted(Path(__file__).parent.glob("*.md"))]


def executors() -> list[Agent]:
    """Those that may perform an executor's task."""
    return [agent for agent in all_agents() if agent.task_type == "executor"]


def agent_from(path: Path) -> Agent:
    """Reads one file; raises `AgentError`."""
    text = path.read_text(encoding="utf-8")
    start, front, prompt = ("", "", "") if text.count(FENCE) < 2 else text.split(FENCE, 2)
    if start or not front:
        raise AgentError(f"{path.name}: does not begin with TOML between two lines of +++")
    try:
        agent = Agent.model_validate({**tomllib.loads(front), "prompt": prompt.strip()})
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise AgentError(f"{path.name}: {error}") from error
    if agent.reply not in REPLIES:
        raise AgentError(f"{path.name}: reply is {agent.reply!r}, not one of {', '.join(REPLIES)}")
    if agent.name != path.stem:
        raise AgentError(f"{path.name}: name is {agent.name!r}, not the file's")
    return agent
