"""Drafts, verdicts, and what a run ends with."""

from typing import Annotated, Any, Literal

from pydantic import Field

from murmuration.contracts.approvals import Decision
from murmuration.contracts.base import Contract
from murmuration.contracts.content import Content, Reference
from murmuration.contracts.plans import TaskType
from murmuration.contracts.prices import Cost
from murmuration.contracts.rules import Rules
from murmuration.contracts.usage import Usage

TaskState = Literal["waiting", "running", "revising", "done", "failed", "skipped"]
Stage = Literal["queued", "recalling", "planning", "working", "writing", "approving", "remembering", "ended"]


class Draft(Contract):
    """A text with [n] markers, and the passages they point into."""

    answer: Content
    passages: Reference | None = None
    """None: it was not made from any."""
    missing: tuple[str, ...] = ()
    """What the passages did not answer."""
    items: tuple[str, ...] = ()
    """The entries of the answer, when a list was asked for: few and short."""
    problems: tuple[str, ...] = ()
    """What a rule found wrong; the evaluator can't pass a draft that has any."""


class TaskAnswer(Contract):
    """A finished task, with its answer."""

    task: str
    instruction: str
    draft: Draft


class FailedTask(Contract):
    task: str
    instruction: str
    reason: str


class AnswerBrief(Contract):
    """What the writer is given."""

    goal: str
    session: str = ""
    """The key of the conversation that the goal is part of."""
    results: tuple[TaskAnswer, ...]
    failed: tuple[FailedTask, ...] = ()
    previous: Draft | None = None
    changes: str = ""


class Citation(Contract):
    number: int
    """The [n] in the answer; counted from 1 in the order of appearance."""
    source: str
    """The path of the document below the folder that was read."""
    title: str
    quote: str
    """Words of the passage, taken from it by code: a model can't invent them."""


class Answer(Draft):
    """The writer's draft of the answer to the whole goal."""

    citations: tuple[Citation, ...] = ()


class Evaluation(Contract):
    goal: str
    instruction: str
    inserts: dict[str, tuple[Content, ...]] = {}
    draft: Draft
    rules: Rules = Rules()


class Verdict(Contract):
    passed: bool
    score: Annotated[float, Field(ge=0, le=1)]
    reasons: tuple[str, ...] = ()
    changes: str = ""
    """What a revision should change; empty when there is nothing to change."""
    plan_wrong: bool = False
    """Whether no revision can help: the tasks did not ask for what the goal needs."""


class TaskReport(Contract):
    """What became of one task of the plan."""

    id: str
    type: TaskType
    instruction: str
    state: TaskState
    revisions: int = 0
    verdict: Verdict | None = None
    reason: str = ""
    """Why it failed or was skipped, or what took its place."""


class Problem(Contract):
    code: str
    """Stable: callers may branch on it."""
    message: str


class Outcome(Contract):
    """What a run ends with."""

    status: Literal["completed", "failed"]
    answer: str = ""
    """Empty when it is over 8 KiB: then `answer_artifact` names it, and GET /api/goals/{id} fills it in. Empty, too,
    when people did not approve it."""
    answer_artifact: str | None = None
    citations: tuple[Citation, ...] = ()
    verdict: Verdict | None = None
    revisions: int = 0
    """How often the answer was revised."""
    tasks: tuple[TaskReport, ...] = ()
    usage: Usage = Usage()
    cost: Cost | None = None
    """None when the price of a model is not known."""
    prompts: dict[str, str] = {}
    """The version of each agent's prompt that was used."""
    models: tuple[str, ...] = ()
    """The models that answered, as they name themselves."""
    degraded: tuple[str, ...] = ()
    """What did not work as it should and was worked around: `keyword_search`, `no_memory`, …"""
    approvals: tuple[Decision, ...] = ()
    """What people decided, with who did what and when."""
    missing: tuple[str, ...] = ()
    """What the answer does not answer."""
    metadata: dict[str, Any] = {}
    error: Problem | None = None
