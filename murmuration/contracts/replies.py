"""What models are asked to produce. Each agent's Markdown file names one of these."""

from typing import Annotated

from pydantic import Field, FiniteFloat

from murmuration.contracts.base import Reply

Texts = Annotated[list[str], Field(default_factory=list)]


class ConditionReply(Reply):
    task: str
    field: str
    op: str
    value: str | FiniteFloat | bool


class FallbackReply(Reply):
    agent: str | None = None
    answer: str | None = None


class TaskReply(Reply):
    """A task as a planner, or a person, writes it. See `contracts.plans.Task`; what is left out is nothing special.

    Strings and not closed sets: what is unknown is a fact about the plan, told back to who made it.
    """

    id: str
    type: str
    instruction: str
    queries: Texts
    """Other query_variants of a retriever's search; empty for others."""
    depends_on: Texts
    agent: str | None = None
    when: ConditionReply | None = None
    for_each: str | None = None
    timeout_seconds: int | None = None
    on_failure: str | None = None
    fallback: FallbackReply | None = None


class PlanReply(Reply):
    tasks: list[TaskReply]


class TextReply(Reply):
    """A text: the contract of agents that need no other."""

    text: str


class DraftReply(Reply):
    """An answer from passages, with citations: agents with this contract perform a plan's executor tasks."""

    answer: str
    """With a marker [n] after every statement that passage n supports."""
    missing: list[str]
    """What was asked and the passages do not answer."""
    items: Texts
    """The entries of the answer, when a list was asked for."""


class JudgementReply(Reply):
    passed: bool
    score: float
    """0 to 1."""
    reasons: list[str]
    changes: str
    """What a revision should change."""
    plan_wrong: bool = False
    """Whether no revision can help, since the tasks did not ask for what the goal needs."""


class LessonReply(Reply):
    kind: str
    """`fact`, `decision` or `preference`; another is passed over."""
    about: str
    text: str
    confidence: float
    importance: float


class LessonsReply(Reply):
    lessons: list[LessonReply]


class SummaryReply(Reply):
    summary: str


REPLIES: dict[str, type[Reply]] = {
    contract.__name__: contract
    for contract in (TextReply, DraftReply, PlanReply, JudgementReply, LessonsReply, SummaryReply)
}
"""By the names that agents' files use."""
