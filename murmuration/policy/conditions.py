"""Conditions on the result of an earlier task."""

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, get_args

from murmuration.contracts.plans import MAX_ITEMS, Comparison, Condition, ResultField, TaskType
from murmuration.policy.citations import renumber

ConditionValue = str | float | bool | Sequence[str]
RETRIEVER_FIELDS: frozenset[ResultField] = frozenset(("passages", "state"))
EXECUTOR_FIELDS: frozenset[ResultField] = frozenset(get_args(ResultField)) - {"passages"}
AGENT_FIELDS: frozenset[ResultField] = frozenset(("answer", "state"))
END_STATES = ("done", "failed", "skipped")
_NUMBERS = frozenset(("score", "passages"))
_LISTS = frozenset(("items", "missing"))
_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "gt": operator.gt,
    "ge": operator.ge,
    "lt": operator.lt,
    "le": operator.le,
}
_WORD_AT_EDGE = re.compile(r"[^\W\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
"""A character of a word that spaces part from its neighbours. Thai, Chinese and Japanese have no such spaces."""


def condition_problem(field: str, op: str, value: object, type_: TaskType, *, fan_out: bool = False) -> str | None:
    """Say why a condition on a task of this type can't be decided, or can't ever hold; None when it can.

    `fan_out`: the task is done for each item of a list, so that it may have more items than one answer has.
    """
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
    if isinstance(value, int | float) and number:
        return _range_problem(field, op, value, fan_out)
    return _text_problem(field, str(value))


def _text_problem(field: str, value: str) -> str | None:
    if field == "state" and _comparable(value) not in END_STATES:
        return f"value {value!r} is no state that a task ends in: use done, failed or skipped"
    return None if _comparable(value) else f"value {value!r} has no words to compare"


def _range_problem(field: str, op: str, value: float, fan_out: bool) -> str | None:
    """Say why no value of this field satisfies the comparison."""
    highest = 1 if field == "score" else MAX_ITEMS if field == "items" and not fan_out else None
    if op == "eq" and field != "score" and value != int(value):
        return f"{field} eq {value} can never hold: {field} is a whole number"
    too_high = highest is not None and {"gt": value >= highest, "ge": value > highest, "eq": value > highest}.get(op)
    if too_high or {"lt": value <= 0, "le": value < 0, "eq": value < 0}.get(op):
        limits = "at least 0" if highest is None else f"from 0 to {highest}"
        return f"{field} {op} {value} can never hold: {field} is {limits}"
    return None


def holds(condition: Condition, values: Mapping[str, ConditionValue]) -> bool:
    """Whether the condition holds for the values of the task that it names; a missing value never satisfies it.

    Texts are compared without citation markers, white space, case and the closing full stop; `contains` looks for whole
    words. For a list, `contains` looks in each of its items, and the other comparisons count the items.
    """
    actual, value = values.get(condition.field), condition.value
    if actual is None:
        return False
    if condition.op == "contains":
        texts = [actual] if isinstance(actual, str) else list(actual) if isinstance(actual, Sequence) else []
        return any(_has_words(_comparable(text), _comparable(str(value))) for text in texts)
    if isinstance(actual, Sequence) and not isinstance(actual, str):
        actual = len(actual)
    if isinstance(actual, str) and isinstance(value, str):
        actual, value = _comparable(actual), _comparable(value)
    if condition.op not in ("eq", "ne") and (isinstance(actual, str) or isinstance(value, str)):
        return False
    return _OPERATORS[condition.op](actual, value)


def _comparable(text: str) -> str:
    """Return the text without citation markers, white space around words, case and the closing full stop."""
    words = " ".join(renumber(text, {}).split()).casefold()
    return words.rstrip(".。 ")


def _has_words(text: str, words: str) -> bool:
    before = r"(?<!\w)" if _WORD_AT_EDGE.match(words[:1]) else ""
    after = r"(?!\w)" if _WORD_AT_EDGE.match(words[-1:]) else ""
    return re.search(f"{before}{re.escape(words)}{after}", text) is not None if words else False
