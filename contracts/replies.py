"""What models are asked to produce. Each agent's Markdown file names one of these."""

from contracts.base import Reply


class TaskReply(Reply):
    id: str
    type: str
    """A string and not a closed set: an unknown type is a fact about the plan, told back to the planner."""
    instruction: str
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


REPLIES: dict[str, type[Reply]] = {each.__name__: each for each in (PlanReply, DraftReply, JudgementReply)}
