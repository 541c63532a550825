"""A question to an agent, and its answer."""

from pydantic import JsonValue

from murmuration.contracts.answers import Draft, TaskAnswer
from murmuration.contracts.base import Contract
from murmuration.contracts.content import Content, Reference


class AgentBrief(Contract):
    """The input of `ask_agent`: one question to one agent, with all that it may work from."""

    agent: str
    """The name in the agent's file."""
    instruction: str
    """The job or the question. `${t1.answer}` stands for the contents that `inserts` has under `t1.answer`."""
    goal: str = ""
    """The goal that the instruction serves; empty when it stands alone."""
    input: JsonValue = None
    """Data to work on, as JSON of any shape."""
    inserts: dict[str, tuple[Content, ...]] = {}
    passages: tuple[Reference, ...] = ()
    """Artifacts that each hold a `PassageSet`."""
    earlier: tuple[TaskAnswer, ...] = ()
    """The answers of the tasks before this one, with the passages that they cite."""
    previous: Draft | None = None
    """The draft to revise, by `changes`."""
    changes: str = ""


class AgentAnswer(Draft):
    """The result of `ask_agent`: a text, and the reply itself, valid by the agent's contract.

    `answer` is the reply's text, or its JSON when the contract has no text of its own.
    """

    reply: dict[str, JsonValue] | None = None
    """The reply as JSON. None when the other fields hold all of it (`DraftReply`), or when it has more than 8 KiB:
    `answer` refers to it then."""
