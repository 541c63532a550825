"""What makes a plan usable. A plan that breaks a rule goes back to the planner with the reason."""

import re
from graphlib import CycleError, TopologicalSorter
from typing import Literal, cast, get_args

from contracts.passages import MAX_WORDINGS
from contracts.plans import Plan, Task, TaskType
from contracts.replies import PlanReply, TaskReply

MAX_TASKS = 50
MAX_INSTRUCTION_CHARACTERS = 1_000
SUPPORTED_TYPES: tuple[TaskType, ...] = ("retriever", "executor")
_ID = re.compile(r"[A-Za-z0-9_-]{1,32}")


class PlanRejected(Exception):
    """The plan can't be used; the message tells the planner, and in the end a person, why."""

    def __init__(self, code: Literal["unusable_plan", "unsupported_task"], reason: str) -> None:
        super().__init__(reason)
        self.code = code


def checked_plan(reply: PlanReply) -> Plan:
    """The reply as a plan; raises `PlanRejected` with the first rule that it breaks."""
    if not 1 <= len(reply.tasks) <= MAX_TASKS:
        raise PlanRejected("unusable_plan", f"a plan has 1 to {MAX_TASKS} tasks, this one has {len(reply.tasks)}")
    seen: set[str] = set()
    for task in reply.tasks:
        if not _ID.fullmatch(task.id):
            raise PlanRejected("unusable_plan", f"task id {task.id!r}: 1 to 32 letters, digits, _ or -")
        if task.id in seen:
            raise PlanRejected("unusable_plan", f"task id {task.id!r} is used twice")
        seen.add(task.id)
        if task.type not in SUPPORTED_TYPES:
            reserved = " is reserved" if task.type in get_args(TaskType) else " is unknown"
            allowed = ", ".join(SUPPORTED_TYPES)
            raise PlanRejected("unsupported_task", f"task {task.id!r}: type {task.type!r}{reserved}; use {allowed}")
        if not 1 <= len(task.instruction.strip()) <= MAX_INSTRUCTION_CHARACTERS:
            raise PlanRejected(
                "unusable_plan",
                f"task {task.id!r}: instruction of 1 to {MAX_INSTRUCTION_CHARACTERS} characters",
            )
    _check_graph(reply)
    return Plan(
        tasks=tuple(
            Task(
                id=task.id,
                type=cast(TaskType, task.type),
                instruction=task.instruction,
                queries=_wordings(task),
                depends_on=tuple(dict.fromkeys(task.depends_on)),
            )
            for task in reply.tasks
        )
    )


def _wordings(task: TaskReply) -> tuple[str, ...]:
    """Other wordings of a retriever's search, as far as they are of use."""
    texts = [each.strip()[:MAX_INSTRUCTION_CHARACTERS] for each in task.queries if each.strip()]
    others = [each for each in dict.fromkeys(texts) if each != task.instruction]
    return tuple(others[: MAX_WORDINGS - 1]) if task.type == "retriever" else ()


def _check_graph(reply: PlanReply) -> None:
    ids = {task.id for task in reply.tasks}
    for task in reply.tasks:
        for needed in task.depends_on:
            if needed not in ids:
                raise PlanRejected("unusable_plan", f"task {task.id!r} depends on {needed!r}, which is no task")
    if all(task.type == "retriever" for task in reply.tasks):
        raise PlanRejected("unusable_plan", "no task answers anything: a plan needs at least one executor")
    try:
        TopologicalSorter({task.id: task.depends_on for task in reply.tasks}).prepare()
    except CycleError as cycle:
        path = " -> ".join(reversed(cycle.args[1]))
        raise PlanRejected("unusable_plan", f"tasks depend on each other in a circle: {path}") from cycle
