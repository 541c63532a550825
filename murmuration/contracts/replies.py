"""Replies: the values that models produce. Each agent's Markdown file names one of these contracts."""

from typing import Annotated

from pydantic import Field, FiniteFloat

from murmuration.contracts.base import Reply

Texts = Annotated[list[str], Field(default_factory=list)]


class ConditionReply(Reply):
    """A test of an earlier task's result (`contracts.plans.Condition`)."""

    task: str
    field: str
    op: str
    value: str | FiniteFloat | bool


class FallbackReply(Reply):
    """The replacement for a task that fails: another agent, or a fixed answer."""

    agent: str | None = None
    answer: str | None = None


class TaskReply(Reply):
    """A task as a planner, or a person, writes it (`contracts.plans.Task`).

    Its fields are strings and not closed sets: an unknown word is told back to the planner, with the words there are.
    """

    id: str
    type: str
    instruction: str
    queries: Texts
    """Other wordings of a retriever's search; empty for other tasks."""
    depends_on: Texts
    agent: str | None = None
    when: ConditionReply | None = None
    for_each: str | None = None
    timeout_seconds: int | None = None
    on_failure: str | None = None
    fallback: FallbackReply | None = None


class PlanReply(Reply):
    """The planner's tasks."""

    tasks: list[TaskReply]


class TextReply(Reply):
    """A text: the contract of agents that need no other."""

    text: str


class DraftReply(Reply):
    """An answer from passages, with citations: agents with this contract perform a plan's executor tasks."""

    answer: str
    """A text with a marker [n] after every statement that passage n supports."""
    missing: list[str]
    """Questions that the passages do not answer."""
    items: Texts
    """The entries of the answer, when a list was asked for."""


class JudgementReply(Reply):
    """The evaluator's judgement of a draft."""

    passed: bool
    score: float
    """0 to 1."""
    reasons: list[str]
    changes: str
    """The changes that a revision should make."""
    plan_wrong: bool = False
    """Whether no revision can help, because the tasks did not ask for what the goal needs."""


class LessonReply(Reply):
    """One thing that later runs should know."""

    kind: str
    """`fact`, `decision` or `preference`; lessons of other kinds are dropped."""
    about: str
    text: str
    confidence: float
    importance: float


class LessonsReply(Reply):
    """The archivist's lessons."""

    lessons: list[LessonReply]


class SummaryReply(Reply):
    """The summary of a conversation's older turns."""

    summary: str


REPLIES: dict[str, type[Reply]] = {
    contract.__name__: contract
    for contract in (TextReply, DraftReply, PlanReply, JudgementReply, LessonsReply, SummaryReply)
}
"""Contracts by the names that agents' files use."""
