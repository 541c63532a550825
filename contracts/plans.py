"""The plan of a goal: a graph of typed tasks."""

from typing import Literal

from contracts.base import Contract
from contracts.memories import Note

TaskType = Literal["retriever", "executor", "tool", "delegate"]
"""`tool` and `delegate` are reserved: a plan that uses them is refused as `unsupported_task`."""


class Task(Contract):
    """One node of the graph."""

    id: str
    type: TaskType
    instruction: str
    """For a retriever the text to search for, for an executor what to answer."""
    queries: tuple[str, ...] = ()
    """Other wordings of a retriever's search."""
    depends_on: tuple[str, ...] = ()


class Plan(Contract):
    """Tasks in the planner's order; checked by `policy.plan_rules` before it gets here."""

    tasks: tuple[Task, ...]


class PlanBrief(Contract):
    goal: str
    session: str = ""
    """The key of the conversation that the goal is part of."""
    notes: tuple[Note, ...] = ()
    rejected: str | None = None
    """Why the plan before this one could not be used."""


class Planned(Contract):
    """What the planner made of a brief: a plan, or the reason why it can't be used."""

    plan: Plan | None = None
    rejected: str | None = None
    code: Literal["unusable_plan", "unsupported_task"] | None = None
