"""Whether a condition holds of an earlier task's result."""

from collections.abc import Mapping, Sequence
from typing import get_args

from murmuration.contracts.plans import Comparison, Condition, ResultField, TaskType

Fact = str | float | bool | Sequence[str]
OF_RETRIEVERS: frozenset[ResultField] = frozenset(("passages", "state"))
OF_EXECUTORS: frozenset[ResultField] = frozenset(get_args(ResultField)) - {"passages"}
OF_AGENTS: frozenset[ResultField] = frozenset(("answer", "state"))
_NUMBERS = frozenset(("score", "passages"))
_LISTS = frozenset(("items", "missing"))


def objection(field: str, op: str, value: object, type_: TaskType) -> str | None:
    """Why a condition can never be decided; None when it can."""
    fields = {"retriever": OF_RETRIEVERS, "executor": OF_EXECUTORS}.get(type_, OF_AGENTS)
    if field not in fields:
        return f"field {field!r} is none of a {type_}'s: {', '.join(sorted(fields))}"
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


def holds(condition: Condition, facts: Mapping[str, Fact]) -> bool:
    """`facts` are those of the task that the condition names; one that is not there holds nothing.

    Of a list, `contains` looks for a text in one of its entries, and other comparisons count them.
    """
    fact, value = facts.get(condition.field), condition.value
    if fact is None:
        return False
    if condition.op == "contains":
        texts = [fact] if isinstance(fact, str) else list(fact) if isinstance(fact, Sequence) else []
        return any(str(value).casefold() in text.casefold() for text in texts)
    if isinstance(fact, Sequence) and not isinstance(fact, str):
        fact = len(fact)
    if condition.op in ("eq", "ne"):
        return (fact == value) == (condition.op == "eq")
    if isinstance(fact, str) or isinstance(value, str):
        return False
    return {"gt": fact > value, "ge": fact >= value, "lt": fact < value, "le": fact <= value}[condition.op]
