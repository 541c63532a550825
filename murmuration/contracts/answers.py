"""Drafts, verdicts, and the outcome of a run."""

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


class LostItem(Contract):
    """An entry of a list that was left out, or cut in length."""

    item: str
    reason: str


class Draft(Contract):
    """A text with markers [n], and the passages that they cite."""

    answer: Content
    passages: Reference | None = None
    """A `PassageSet`; None: the text was written without passages."""
    missing: tuple[str, ...] = ()
    """Questions that the passages do not answer."""
    items: tuple[str, ...] = ()
    """The entries of the answer, when a list was asked for: few and short."""
    lost_items: tuple[LostItem, ...] = ()
    """The entries that are not among `items`, or not in full."""
    problems: tuple[str, ...] = ()
    """Rules that the text breaks; the evaluator can't pass a draft that has any."""


class TaskAnswer(Contract):
    """A finished task, with its answer."""

    task: str
    instruction: str
    draft: Draft


class FailedTask(Contract):
    """A task without an answer, or a part of one: `t2[3]` is the task t2 for its third item."""

    task: str
    instruction: str
    reason: str


class AnswerBrief(Contract):
    """The input of `write_answer`."""

    goal: str
    session: str = ""
    """The key of the conversation that the goal is part of."""
    results: tuple[TaskAnswer, ...]
    failed: tuple[FailedTask, ...] = ()
    previous: Draft | None = None
    """The draft to revise, by `changes`."""
    changes: str = ""
    wishes: tuple[str, ...] = ()
    """Everything that the approvers have asked for in this run, the oldest first. It holds in every draft."""


class Citation(Contract):
    """A source that the answer cites."""

    number: int
    """The n of the marker [n]; counted from 1 in the order of appearance."""
    source: str
    """The document's path below the folder that was read."""
    title: str
    quote: str
    """Words of the passage. Code copies them, so a model can't invent them."""


class Answer(Draft):
    """The result of `write_answer`: a draft of the answer to the whole goal."""

    citations: tuple[Citation, ...] = ()


class Evaluation(Contract):
    """The input of `evaluate_result`."""

    goal: str
    instruction: str
    inserts: dict[str, tuple[Content, ...]] = {}
    """The contents for which the references in the instruction stand, such as `t1.answer`."""
    draft: Draft
    rules: Rules = Rules()
    failed: tuple[FailedTask, ...] = ()
    """Everything that the draft had to be written without."""
    wishes: tuple[str, ...] = ()
    """Everything that the approvers have asked for in this run, the oldest first."""


class Verdict(Contract):
    """The result of `evaluate_result`."""

    passed: bool
    score: Annotated[float, Field(ge=0, le=1)]
    reasons: tuple[str, ...] = ()
    changes: str = ""
    """The changes that a revision should make; empty when there are none."""
    plan_wrong: bool = False
    """Whether no revision can help, because the tasks did not ask for what the goal needs."""


class TaskReport(Contract):
    """The state of one task of the plan."""

    id: str
    type: TaskType
    instruction: str
    state: TaskState
    revisions: int = 0
    verdict: Verdict | None = None
    reason: str = ""
    """The reason why the task failed, was skipped, or took its fallback."""


class Problem(Contract):
    """The reason why a run failed."""

    code: str
    """Stable: callers may branch on it."""
    message: str


class Outcome(Contract):
    """The result of `achieve_goal`."""

    status: Literal["completed", "failed"]
    answer: str = ""
    """Empty when it is longer than 8 KiB: `answer_artifact` refers to it, and GET /api/goals/{id} fills it in. Empty,
    too, when people did not approve it."""
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
    """The version of each agent's prompt."""
    models: tuple[str, ...] = ()
    """The models that answered, as they name themselves."""
    degraded: tuple[str, ...] = ()
    """Codes of failures that were worked around, such as `keyword_search` or `no_memory`."""
    approvals: tuple[Decision, ...] = ()
    """The decisions of people, each with its audit trail."""
    missing: tuple[str, ...] = ()
    """Questions that the answer leaves open."""
    metadata: dict[str, Any] = {}
    """The caller's own, from the request."""
    error: Problem | None = None
