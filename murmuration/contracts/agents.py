"""What an agent is asked, and what it answers."""

from pydantic import JsonValue

from murmuration.contracts.answers import Draft, TaskAnswer
from murmuration.contracts.base import Contract
from murmuration.contracts.content import Content, Reference


class AgentBrief(Contract):
    """One question to one agent, with all that it may work from."""

    agent: str
    """The name in the agent's file."""
    instruction: str
    """What the agent should do. `${t1.answer}` stands for what `inserts` has under `t1.answer`."""
    goal: str = ""
    """What the instruction is for; empty when it stands alone."""
    input: JsonValue = None
    """What the instruction is about, as JSON of the caller's own shape."""
    inserts: dict[str, tuple[Content, ...]] = {}
    passages: tuple[Reference, ...] = ()
    """Artifacts that each hold a `PassageSet`."""
    earlier: tuple[TaskAnswer, ...] = ()
    """The answers of the tasks before this one, with the passages that they cite."""
    previous: Draft | None = None
    """The draft to revise, by the evaluator's `changes`."""
    changes: str = ""


class AgentAnswer(Draft):
    """An agent's reply, valid by the agent's contract: a text, and the reply itself.

    `answer` is the reply's text, or its JSON when the contract has no text of its own.
    """

    reply: dict[str, JsonValue] | None = None
    """The reply as JSON. None when the other fields hold all of it (`DraftReply`), or when it has more than 8 KiB:
    `answer` refers to it then."""
