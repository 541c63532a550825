"""What models are asked to produce. Each agent's Markdown file names one of these."""

from typing import Annotated

from pydantic import Field

from contracts.base import Reply


class TaskReply(Reply):
    id: str
    type: str
    """A string and not a closed set: an unknown type is a fact about the plan, told back to the planner."""
    instruction: str
    queries: Annotated[list[str], Field(default_factory=list)]
    """Other wordings of a retriever's search; empty for others. Who leaves it out has none."""
    depends_on: list[str]


class PlanReply(Reply):
    tasks: list[TaskReply]


class DraftReply(Reply):
    answer: str
    """With a marker [n] after every statement that passage n supports."""
    missing: list[str]
    """What was asked and the passages do not answer."""


class JudgementReply(Reply):
    passed: bool
    score: float
    """0 to 1."""
    reasons: list[str]
    changes: str
    """What a revision should change."""


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
    each.__name__: each for each in (PlanReply, DraftReply, JudgementReply, LessonsReply, SummaryReply)
}
