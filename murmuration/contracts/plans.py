"""The plan of a goal: a graph of typed tasks."""

from typing import Literal

from pydantic import FiniteFloat

from murmuration.contracts.base import Contract
from murmuration.contracts.memories import Note

TaskType = Literal["retriever", "executor", "agent", "tool", "delegate"]
"""`executor` answers from passages, with citations; `agent` has any other agent do what the instruction says.

`tool` and `delegate` are reserved: a plan that uses them is refused as `unsupported_task`.
"""

ResultField = Literal["answer", "items", "score", "passed", "missing", "passages", "state"]
"""What of an earlier result a condition may look at: text, list of texts, 0 to 1, bool, list of texts (what was not
answered), how many passages a retriever has found, and `done`, `failed` or `skipped`."""
Comparison = Literal["eq", "ne", "gt", "ge", "lt", "le", "contains"]
FailurePolicy = Literal["skip", "fail_run", "fallback"]
MAX_ITEMS = 20
"""Of a list that a task makes and others are done for each of."""


class Condition(Contract):
    """Holds or does not hold of an earlier task's result."""

    task: str
    field: ResultField
    op: Comparison
    value: str | FiniteFloat | bool


class Fallback(Contract):
    """What takes the place of a task that failed: another agent's attempt, or a fixed answer."""

    agent: str | None = None
    answer: str | None = None


class Task(Contract):
    """One node of the graph."""

    id: str
    type: TaskType
    instruction: str
    """For a retriever the text to search for, for others what to answer or to do.

    `${t1.answer}` and `${t1.items}` stand for what task t1 has answered.
    """
    queries: tuple[str, ...] = ()
    """Other query_variants of a retriever's search."""
    depends_on: tuple[str, ...] = ()
    agent: str = "executor"
    """The name of the agent that performs it; a retriever needs none."""
    when: Condition | None = None
    """It is skipped when this does not hold."""
    for_each: str | None = None
    """The task for each of whose items it is done; `${item}` in the instruction is the item."""
    timeout_seconds: int | None = None
    on_failure: FailurePolicy = "skip"
    fallback: Fallback | None = None


class Plan(Contract):
    """Tasks in the planner's order; checked by `murmuration.policy.plan_rules` before it gets here."""

    tasks: tuple[Task, ...]


class PlanBrief(Contract):
    goal: str
    session: str = ""
    """The key of the conversation that the goal is part of."""
    notes: tuple[Note, ...] = ()
    rejected: str | None = None
    """Why the plan before this one could not be used, or did not do."""
    done: tuple[Task, ...] = ()
    """Tasks of the plan before this one whose results are there: a new plan may keep them."""


class Planned(Contract):
    """What the planner made of a brief: a plan, or the reason why it can't be used."""

    plan: Plan | None = None
    rejected: str | None = None
    code: Literal["unusable_plan", "unsupported_task"] | None = None
