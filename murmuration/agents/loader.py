"""Reads agents from their Markdown files. A file that can't be used is reported, and the other agents work on."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from murmuration.contracts.base import Reply
from murmuration.contracts.plans import TaskType
from murmuration.contracts.replies import REPLIES, DraftReply

FENCE = "+++\n"
Tier = Literal["fast", "standard", "reasoning"]
"""A class of models; settings say which models these are."""
LIBRARY_FOLDER = Path(__file__).parent
MAX_QUOTED_CHARACTERS = 100


class AgentError(Exception):
    """An agent can't be used; the message names the file, the field and its value."""


class Agent(BaseModel):
    """An agent as its file describes it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z][a-z_]{0,63}$")
    """Also the name of its structured output, by which a provider's logs can tell agents apart."""
    purpose: str = Field(min_length=1, max_length=500)
    """The tasks that it suits. Planners read this, and `GET /api/agents?for=` finds the agent by it."""
    tier: Tier
    reply: str
    """The reply contract, by its name in `murmuration.contracts.replies`."""
    version: str = Field(default="1", pattern=r"^\d+(\.\d+)*$")
    """Raised with every change of the text or of the settings; recorded with each run."""
    temperature: float = Field(default=0.0, ge=0, le=2)
    examples: tuple[str, ...] = ()
    """Requests that it suits; a search finds it by these, too."""
    in_plans: bool = True
    """Whether a plan may name it. False for agents that have a step of their own, such as the planner."""
    background: bool = False
    """Whether the provider works in the background while the run sleeps: for answers that take minutes."""
    prompt: str = Field(min_length=1)
    """The text below the front matter."""

    @field_validator("reply")
    @classmethod
    def _known(cls, reply: str) -> str:
        if reply not in REPLIES:
            raise ValueError(f"is none of {', '.join(REPLIES)}")
        return reply

    @property
    def contract(self) -> type[Reply]:
        return REPLIES[self.reply]

    @property
    def task_type(self) -> TaskType:
        """The type of tasks that it performs, if plans may name it."""
        return "executor" if self.contract is DraftReply else "agent"


@dataclass(frozen=True)
class Agents:
    """The agents in some folders."""

    by_name: Mapping[str, Agent]
    problems: tuple[str, ...]
    """The problems of the other files, one text a file."""


_folders: list[Path] = [LIBRARY_FOLDER]


def add_folder(folder: Path) -> None:
    """Read the agents of an app's own folder beside the library's; raises `AgentError` when it is no folder."""
    if not folder.is_dir():
        raise AgentError(f"{str(folder)!r} is no folder: write the agents' files there, or leave `agents` out")
    if folder not in _folders:
        _folders.append(folder)
        known_agents.cache_clear()


@cache
def known_agents() -> Agents:
    """Return the library's agents and those in the folders that were added; the files are read once."""
    return read_agents(_folders)


def load_agent(name: str) -> Agent:
    """Return the agent of this name; raises `AgentError`."""
    agents = known_agents().by_name
    if name not in agents:
        raise AgentError(f"there is no agent {name!r}; there are {', '.join(agents)}")
    return agents[name]


def all_agents() -> list[Agent]:
    """Return every agent that can be used, by folder and then by name."""
    return list(known_agents().by_name.values())


def agents_for_plans() -> list[Agent]:
    """Return the agents that a plan may name."""
    return [agent for agent in all_agents() if agent.in_plans]


def read_agents(folders: Sequence[Path]) -> Agents:
    """Read every `*.md` file in the folders. When two agents have one name, the first is used."""
    agents: dict[str, Agent] = {}
    problems: list[str] = []
    for path in (path for folder in folders for path in sorted(folder.glob("*.md"))):
        try:
            agent = read_agent(path)
            if agent.name in agents:
                raise _problem(path, "name", "is the name of another agent", agent.name)
        except AgentError as problem:
            problems.append(str(problem))
        else:
            agents[agent.name] = agent
    return Agents(agents, tuple(problems))


def read_agent(path: Path) -> Agent:
    """Read one file; raises `AgentError` with all of its problems."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise AgentError(f"{_name(path)}: can't be read as UTF-8: {error}") from error
    start, front, prompt = ("", "", "") if text.count(FENCE) < 2 else text.split(FENCE, 2)
    if start or not front:
        raise AgentError(f"{_name(path)}: does not begin with TOML between two lines of +++")
    try:
        agent = Agent.model_validate({**tomllib.loads(front), "prompt": prompt.strip()})
    except tomllib.TOMLDecodeError as error:
        raise AgentError(f"{_name(path)}: the front matter is not TOML: {error}") from error
    except ValidationError as error:
        raise AgentError("; ".join(str(_problem(path, *fields)) for fields in _invalid(error))) from error
    if agent.name != path.stem:
        raise _problem(path, "name", f"is not the file's: write {path.stem!r}, or rename the file", agent.name)
    return agent


def _invalid(error: ValidationError) -> list[tuple[str, str, Any]]:
    """Return field, message and value of each problem."""
    messages = {"extra_forbidden": "unknown field", "missing": "is missing"}
    return [
        (
            ".".join(map(str, problem["loc"])),
            messages.get(problem["type"]) or problem["msg"].removeprefix("Value error, "),
            None if problem["type"] == "missing" else problem["input"],
        )
        for problem in error.errors(include_url=False)
    ]


def _problem(path: Path, field: str, message: str, value: object) -> AgentError:
    text = repr(value)
    if len(text) > MAX_QUOTED_CHARACTERS:
        text = f"{text[:MAX_QUOTED_CHARACTERS]}…"
    return AgentError(f"{_name(path)}: {field}: {message}{'' if value is None else f' (got {text})'}")


def _name(path: Path) -> str:
    """Return the file's name with its folder's."""
    return f"{path.parent.name}/{path.name}"
