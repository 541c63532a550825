"""The rules that make a plan usable. A plan that breaks one goes back to the planner with the reason."""

import re
from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Literal, cast, get_args

from murmuration.contracts.passages import MAX_QUERY_VARIANTS
from murmuration.contracts.plans import Condition, FailurePolicy, Fallback, Plan, Task, TaskType
from murmuration.contracts.replies import PlanReply, TaskReply
from murmuration.policy.conditions import condition_problem, holds
from murmuration.policy.references import ITEM, references, task_of

MAX_TASKS = 50
MAX_INSTRUCTION_CHARACTERS = 1_000
MAX_FALLBACK_CHARACTERS = 4_000
MAX_TIMEOUT_SECONDS = 86_400
DEFAULT_AGENT = "executor"
SUPPORTED_TYPES: tuple[TaskType, ...] = ("retriever", "executor", "agent")
FIELDS: Mapping[str, tuple[str, ...]] = {"executor": ("answer", "items"), "agent": ("answer",)}
"""The fields of a task's result to which a reference may point, by the task's type."""
_ID = re.compile(r"[A-Za-z0-9_-]{1,32}")


class PlanRejected(Exception):
    """The plan can't be used; the message tells the planner, and in the end a person, the reason."""

    def __init__(self, code: Literal["unusable_plan", "unsupported_task"], reason: str) -> None:
        super().__init__(reason)
        self.code = code


AgentTypes = Mapping[str, TaskType]
"""The agents that a plan may name, each with the type of tasks that it performs."""
DEFAULT_AGENTS: AgentTypes = {DEFAULT_AGENT: "executor"}


def checked_plan(reply: PlanReply, agents: AgentTypes = DEFAULT_AGENTS) -> Plan:
    """Make a plan of the reply; raises `PlanRejected` with the first rule that it breaks."""
    if not 1 <= len(reply.tasks) <= MAX_TASKS:
        raise _unusable(f"a plan has 1 to {MAX_TASKS} tasks, this one has {len(reply.tasks)}")
    types: dict[str, TaskType] = {}
    for task in reply.tasks:
        if not _ID.fullmatch(task.id):
            raise _unusable(f"task id {task.id!r}: 1 to 32 letters, digits, _ or -")
        if task.id in types:
            raise _unusable(f"task id {task.id!r} is used twice")
        types[task.id] = _type(task)
    for task in reply.tasks:
        problem = _problem(task, types, agents) or _when_problem(task, {other.id: other for other in reply.tasks})
        if problem is not None:
            raise _unusable(f"task {task.id!r}: {problem}")
    if not FIELDS.keys() & types.values():
        raise _unusable(f"no task answers anything: a plan needs at least one {' or '.join(FIELDS)}")
    plan = Plan(tasks=tuple(_task(task) for task in reply.tasks))
    try:
        TopologicalSorter({task.id: task.depends_on for task in plan.tasks}).prepare()
    except CycleError as cycle:
        path = " -> ".join(reversed(cycle.args[1]))
        raise _unusable(f"tasks depend on each other in a cycle: {path}") from cycle
    return plan


def _unusable(reason: str) -> PlanRejected:
    return PlanRejected("unusable_plan", reason)


def _type(task: TaskReply) -> TaskType:
    if task.type not in SUPPORTED_TYPES:
        reserved = " is reserved" if task.type in get_args(TaskType) else " is unknown"
        allowed = ", ".join(SUPPORTED_TYPES)
        raise PlanRejected("unsupported_task", f"task {task.id!r}: type {task.type!r}{reserved}; use {allowed}")
    return task.type


def _problem(task: TaskReply, types: Mapping[str, TaskType], agents: AgentTypes) -> str | None:
    """Return the first rule that one task breaks; None when it breaks none."""
    if not 1 <= len(task.instruction.strip()) <= MAX_INSTRUCTION_CHARACTERS:
        return f"instruction of 1 to {MAX_INSTRUCTION_CHARACTERS} characters"
    for needed in task.depends_on:
        if needed not in types:
            return f"depends on {needed!r}, which is no task"
    if task.agent is not None or task.type == "agent":
        problem = _agent_problem(task.agent, types[task.id], agents)
        if problem is not None:
            return problem
    if task.timeout_seconds is not None and not 1 <= task.timeout_seconds <= MAX_TIMEOUT_SECONDS:
        return f"timeout_seconds {task.timeout_seconds} is not from 1 to {MAX_TIMEOUT_SECONDS}"
    return _reference_problem(task, types) or _failure_problem(task, types, agents)


def _agent_problem(name: str | None, type_: TaskType, agents: AgentTypes) -> str | None:
    """Return why the agent can't perform a task of this type; None when it can. A retriever needs no agent."""
    fitting = sorted(agent for agent, performs in agents.items() if performs == type_)
    if type_ not in FIELDS or name in fitting:
        return None
    if name is not None and name in agents:
        return f"agent {name!r} performs tasks of type {agents[name]!r}, not {type_!r}"
    return f"agent {name!r} is none of {', '.join(fitting) or f'those for type {type_!r}: there is none'}"


def _reference_problem(task: TaskReply, types: Mapping[str, TaskType]) -> str | None:
    named = list(references(task.instruction))
    for reference in named:
        name, _, field = reference.partition(".")
        if reference == ITEM:
            if task.for_each is None:
                return "${item} needs for_each"
        elif field not in FIELDS.get(types.get(name, ""), ()):
            return f"${{{reference}}} is no reference: {_usable_references()}"
    if task.for_each is None:
        return None
    if types.get(task.for_each) != "executor":
        return f"for_each {task.for_each!r} is no executor, and has no items"
    return None if ITEM in named else "for_each needs ${item} in the instruction"


def _usable_references() -> str:
    kinds = (f"an {type_} with .{' or .'.join(fields)}" for type_, fields in FIELDS.items())
    return f"use the id of {', or of '.join(kinds)}"


def _when_problem(task: TaskReply, tasks: Mapping[str, TaskReply]) -> str | None:
    when = task.when
    if when is None:
        return None
    tested = tasks.get(when.task)
    if tested is None:
        return f"when: {when.task!r} is no task"
    fan_out = tested.for_each is not None
    reason = condition_problem(when.field, when.op, when.value, _type(tested), fan_out=fan_out)
    if reason is not None:
        return f"when: {reason}"
    if fan_out and when.field == "answer" and when.op != "contains":
        return f"when: {when.task!r} has an answer for each item, and op {when.op!r} compares one: use contains"
    return _state_problem(task, tested, Condition.model_validate(when.model_dump())) if when.field == "state" else None


def _state_problem(task: TaskReply, tested: TaskReply, condition: Condition) -> str | None:
    """Say why the task can never run by its condition on the state of `tested`; None when it can."""
    text = f"when: state {condition.op} {condition.value!r}"
    if not any(holds(condition, {"state": state}) for state in _end_states(tested)):
        return f"{text} can never hold: {tested.id!r} ends as {' or '.join(_end_states(tested))}, or ends the run"
    needed = {task.for_each, *map(task_of, references(task.instruction))}
    if tested.id in needed and not holds(condition, {"state": "done"}):
        return f"{text} holds when {tested.id!r} has no answer, and the task needs it"
    return None


def _end_states(task: TaskReply) -> list[str]:
    """The states in which a task can end while its run goes on."""
    has_inputs = task.depends_on or task.when or task.for_each or any(references(task.instruction))
    may_fail = task.on_failure != "fail_run" and (task.fallback is None or task.fallback.answer is None)
    return ["done", *(["failed"] if may_fail else []), *(["skipped"] if has_inputs else [])]


def _failure_problem(task: TaskReply, types: Mapping[str, TaskType], agents: AgentTypes) -> str | None:
    if task.on_failure is not None and task.on_failure not in get_args(FailurePolicy):
        return f"on_failure {task.on_failure!r} is none of {', '.join(get_args(FailurePolicy))}"
    if (task.on_failure == "fallback") != (task.fallback is not None):
        return "on_failure 'fallback' and a fallback need each other"
    if task.fallback is None:
        return None
    agent, answer = task.fallback.agent, task.fallback.answer
    if (agent is None) == (answer is None):
        return "fallback: give an agent or an answer"
    if agent is not None and (problem := _agent_problem(agent, types[task.id], agents)) is not None:
        return f"fallback: {problem}"
    if answer is not None and not 1 <= len(answer.strip()) <= MAX_FALLBACK_CHARACTERS:
        return f"fallback: answer of 1 to {MAX_FALLBACK_CHARACTERS} characters"
    return "fallback: a retriever has no agent and no answer" if task.type == "retriever" else None


def _task(task: TaskReply) -> Task:
    """Make the task. It depends, too, on the tasks that its instruction, its condition and its `for_each` name."""
    named = [task_of(reference) for reference in references(task.instruction) if reference != ITEM]
    named += [task.when.task] if task.when else []
    named += [task.for_each] if task.for_each else []
    return Task(
        id=task.id,
        type=cast(TaskType, task.type),
        instruction=task.instruction,
        queries=_query_variants(task),
        depends_on=tuple(dict.fromkeys([*task.depends_on, *named])),
        agent=task.agent or DEFAULT_AGENT,
        when=Condition.model_validate(task.when.model_dump()) if task.when else None,
        for_each=task.for_each,
        timeout_seconds=task.timeout_seconds,
        on_failure=cast(FailurePolicy, task.on_failure or "skip"),
        fallback=Fallback.model_validate(task.fallback.model_dump()) if task.fallback else None,
    )


def _query_variants(task: TaskReply) -> tuple[str, ...]:
    """Return the other wordings of a retriever's search, without repetitions."""
    texts = [query.strip()[:MAX_INSTRUCTION_CHARACTERS] for query in task.queries if query.strip()]
    others = [text for text in dict.fromkeys(texts) if text != task.instruction]
    return tuple(others[: MAX_QUERY_VARIANTS - 1]) if task.type == "retriever" else ()
