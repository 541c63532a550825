"""The plan of a goal: a graph of typed tasks."""

from typing import Literal

from pydantic import FiniteFloat

from murmuration.contracts.base import Contract
from murmuration.contracts.memories import Note

TaskType = Literal["retriever", "executor", "agent", "tool", "delegate"]
"""A `retriever` searches; an `executor` answers from passages, with citations; an `agent` task is done by any other
agent. `tool` and `delegate` are reserved: a plan that uses them is refused as `unsupported_task`."""

ResultField = Literal["answer", "items", "score", "passed", "missing", "passages", "state"]
"""A field of an earlier task's result that a condition may test: a text; a list of texts; 0 to 1; a bool; the list of
questions without an answer; the number of passages; and `done`, `failed` or `skipped`."""
Comparison = Literal["eq", "ne", "gt", "ge", "lt", "le", "contains"]
FailurePolicy = Literal["skip", "fail_run", "fallback"]
MAX_ITEMS = 20
"""The most items of a list for which a `for_each` task is done."""


class Condition(Contract):
    """A test of an earlier task's result."""

    task: str
    field: ResultField
    op: Comparison
    value: str | FiniteFloat | bool


class Fallback(Contract):
    """The replacement for a failed task: another agent's attempt, or a fixed answer."""

    agent: str | None = None
    answer: str | None = None


class Task(Contract):
    """One node of the graph."""

    id: str
    type: TaskType
    instruction: str
    """For a retriever the text to search for; for others the question or the job.

    `${t1.answer}` and `${t1.items}` stand for the answer of task t1.
    """
    queries: tuple[str, ...] = ()
    """Other wordings of a retriever's search."""
    depends_on: tuple[str, ...] = ()
    agent: str = "executor"
    """The name of the agent that performs it; a retriever needs none."""
    when: Condition | None = None
    """The task is skipped when this does not hold."""
    for_each: str | None = None
    """The task is done once for each item of this task's answer; `${item}` in the instruction is the item."""
    timeout_seconds: int | None = None
    on_failure: FailurePolicy = "skip"
    fallback: Fallback | None = None


class Plan(Contract):
    """Tasks in the planner's order, checked by `murmuration.policy.plan_rules`."""

    tasks: tuple[Task, ...]


class PlanBrief(Contract):
    """The input of `plan_goal`."""

    goal: str
    session: str = ""
    """The key of the conversation that the goal is part of."""
    notes: tuple[Note, ...] = ()
    rejected: str | None = None
    """The reason why the plan before this one was refused, or did not do."""
    previous: Plan | None = None
    """The plan before this one: what people were shown when they made their last wish."""
    wishes: tuple[str, ...] = ()
    """Everything that the approvers have asked for in this run, the oldest first."""
    done: tuple[Task, ...] = ()
    """Tasks of the plan before this one that have results: the new plan may keep them."""


class Planned(Contract):
    """The result of `plan_goal`: a plan, or the reason why the planner's can't be used."""

    plan: Plan | None = None
    rejected: str | None = None
    code: Literal["unusable_plan", "unsupported_task"] | None = None
