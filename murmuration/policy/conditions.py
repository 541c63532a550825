"""Conditions on the result of an earlier task."""

from collections.abc import Mapping, Sequence
from typing import get_args

from murmuration.contracts.plans import Comparison, Condition, ResultField, TaskType

ConditionValue = str | float | bool | Sequence[str]
RETRIEVER_FIELDS: frozenset[ResultField] = frozenset(("passages", "state"))
EXECUTOR_FIELDS: frozenset[ResultField] = frozenset(get_args(ResultField)) - {"passages"}
AGENT_FIELDS: frozenset[ResultField] = frozenset(("answer", "state"))
_NUMBERS = frozenset(("score", "passages"))
_LISTS = frozenset(("items", "missing"))


def condition_problem(field: str, op: str, value: object, type_: TaskType) -> str | None:
    """Say why a condition on a task of this type can never be decided; None when it can."""
    fields = {"retriever": RETRIEVER_FIELDS, "executor": EXECUTOR_FIELDS}.get(type_, AGENT_FIELDS)
    if field not in fields:
        return f"field {field!r} is unknown for a task of type {type_!r}: use {', '.join(sorted(fields))}"
    if op not in get_args(Comparison):
        return f"op {op!r} is none of {', '.join(get_args(Comparison))}"
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if (field in _NUMBERS) != number and not (field in _LISTS and op != "contains" and number):
        return f"value {value!r} can't be compared with {field}"
    if field == "passed" and not isinstance(value, bool):
        return f"value {value!r} is not true or false"
    if op == "contains" and (field in _NUMBERS or field in ("passed", "state")):
        return f"op 'contains' needs a text or a list, {field} is neither"
    if op in ("gt", "ge", "lt", "le") and not number:
        return f"op {op!r} needs a number, not {value!r}"
    return None


def holds(condition: Condition, values: Mapping[str, ConditionValue]) -> bool:
    """Whether the condition holds for the values of the task that it names; a missing value never satisfies it.

    For a list, `contains` looks for the text in any of its items, and the other comparisons count the items.
    """
    actual, value = values.get(condition.field), condition.value
    if actual is None:
        return False
    if condition.op == "contains":
        texts = [actual] if isinstance(actual, str) else list(actual) if isinstance(actual, Sequence) else []
        return any(str(value).casefold() in text.casefold() for text in texts)
    if isinstance(actual, Sequence) and not isinstance(actual, str):
        actual = len(actual)
    if condition.op in ("eq", "ne"):
        return (actual == value) == (condition.op == "eq")
    if isinstance(actual, str) or isinstance(value, str):
        return False
    return {"gt": actual > value, "ge": actual >= value, "lt": actual < value, "le": actual <= value}[condition.op]
