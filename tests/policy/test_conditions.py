"""A condition is decided by the value that it names, and nothing that can't be compared satisfies it."""

from typing import Any, get_args

import pytest

from murmuration.contracts.plans import Comparison, Condition, ResultField
from murmuration.policy.conditions import ConditionValue, condition_problem, holds

VALUES: dict[str, ConditionValue] = {
    "answer": "Green Tea is brewed at 80 degrees.",
    "items": ("green", "black"),
    "missing": (),
    "score": 0.5,
    "passed": True,
    "state": "done",
}


def condition(field: str, op: str, value: Any) -> Condition:
    return Condition.model_validate({"task": "t1", "field": field, "op": op, "value": value})


@pytest.mark.parametrize(
    ("field", "op", "value", "expected"),
    [
        ("score", "eq", 0.5, True),
        ("score", "eq", 0.4, False),
        ("score", "ne", 0.4, True),
        ("score", "ne", 0.5, False),
        ("score", "gt", 0.5, False),
        ("score", "gt", 0.4, True),
        ("score", "ge", 0.5, True),
        ("score", "ge", 0.6, False),
        ("score", "lt", 0.5, False),
        ("score", "lt", 0.6, True),
        ("score", "le", 0.5, True),
        ("score", "le", 0.4, False),
        ("passed", "eq", True, True),
        ("passed", "eq", False, False),
        ("state", "eq", "done", True),
        ("state", "ne", "done", False),
        ("answer", "contains", "green tea", True),
        ("answer", "contains", "GREEN", True),
        ("answer", "contains", "coffee", False),
        ("items", "contains", "BLACK", True),
        ("items", "contains", "lack", False),
        ("items", "contains", "white", False),
        ("missing", "contains", "tea", False),
        ("items", "eq", 2, True),
        ("items", "gt", 2, False),
        ("missing", "eq", 0, True),
    ],
)
def test_a_condition_is_decided_by_the_value_of_its_field(field: str, op: str, value: Any, expected: bool) -> None:
    assert holds(condition(field, op, value), VALUES) is expected


@pytest.mark.parametrize(
    ("answer", "value"),
    [
        ("Yes [1].", "Yes"),
        ("yes", "Yes."),
        ("YES [1][2]", "yes"),
        ("  Yes,\n it  is [12] . ", "yes, it is"),
        ("Yes. [1]", "Yes"),
        ("Yes", "Yes [1]."),
        ("Straße", "STRASSE"),
        ("はい [1]。", "はい"),
    ],
)
def test_texts_are_compared_without_markers_white_space_case_and_closing_full_stop(answer: str, value: str) -> None:
    for op, expected in (("eq", True), ("ne", False), ("contains", True)):
        assert holds(condition("answer", op, value), {"answer": answer}) is expected, op


@pytest.mark.parametrize(
    ("answer", "value"),
    [("Yes.", "No"), ("Yes, always.", "Yes"), ("3.5", "35"), ("[draft]", "draft"), ("Yes!", "Yes")],
)
def test_texts_that_differ_in_anything_else_are_not_equal(answer: str, value: str) -> None:
    assert not holds(condition("answer", "eq", value), {"answer": answer})
    assert holds(condition("answer", "ne", value), {"answer": answer})


@pytest.mark.parametrize(
    ("answer", "value", "expected"),
    [
        ("It is known [1].", "no", False),
        ("Known: no.", "no", True),
        ("No [1], it is not.", "no", True),
        ("a no-go area", "no", True),
        ("It is green [2] tea.", "green tea", True),
        ("greens", "green", False),
        ("C++ is meant", "c++", True),
        ("It costs $5.", "$5", True),
        ("It costs $55.", "$5", False),
        ("café society", "cafe", False),
        ("我住在东京附近", "东京", True),
        ("rev_no", "no", False),
    ],
)
def test_a_text_contains_whole_words(answer: str, value: str, expected: bool) -> None:
    assert holds(condition("answer", "contains", value), {"answer": answer}) is expected
    assert holds(condition("items", "contains", value), {"items": ("other", answer)}) is expected


@pytest.mark.parametrize("op", get_args(Comparison))
def test_a_missing_value_satisfies_nothing(op: str) -> None:
    assert not holds(condition("passages", op, 0), VALUES)


@pytest.mark.parametrize("op", ["gt", "ge", "lt", "le"])
def test_texts_are_not_ordered(op: str) -> None:
    assert not holds(condition("state", op, "alpha"), VALUES)
    assert not holds(condition("state", op, 1), VALUES)
    assert not holds(condition("score", op, "alpha"), VALUES)


@pytest.mark.parametrize("field", ["score", "passed"])
def test_a_number_contains_nothing(field: str) -> None:
    assert not holds(condition(field, "contains", ""), VALUES)


TESTED = {"score": 1, "passages": 1, "passed": True, "state": "done"}
FIELDS = {
    "retriever": {"passages", "state"},
    "executor": set(get_args(ResultField)) - {"passages"},
    "agent": {"answer", "state"},
}


@pytest.mark.parametrize("field", get_args(ResultField))
@pytest.mark.parametrize("task_type", FIELDS)
def test_a_task_of_each_type_has_fields_of_its_own(task_type: Any, field: str) -> None:
    problem = condition_problem(field, "eq", TESTED.get(field, "x"), task_type)

    if field in FIELDS[task_type]:
        assert problem is None
    else:
        expected = ", ".join(sorted(FIELDS[task_type]))
        assert problem == f"field {field!r} is unknown for a task of type {task_type!r}: use {expected}"


@pytest.mark.parametrize(
    ("field", "op", "value"),
    [
        ("score", "ge", 0.5),
        ("score", "le", 1),
        ("items", "gt", 1),
        ("missing", "eq", 0),
        ("items", "contains", "tea"),
        ("answer", "contains", "tea"),
        ("answer", "ne", "tea"),
        ("state", "ne", "Done"),
        ("passed", "ne", False),
        ("state", "eq", "failed"),
    ],
)
def test_a_condition_that_can_be_decided_has_no_problem(field: str, op: str, value: object) -> None:
    assert condition_problem(field, op, value, "executor") is None


@pytest.mark.parametrize(
    ("field", "op", "value", "problem"),
    [
        ("score", "like", 1, "op 'like' is none of eq, ne, gt, ge, lt, le, contains"),
        ("score", "gt", "high", "value 'high' can't be compared with score"),
        ("score", "eq", True, "value True can't be compared with score"),
        ("answer", "eq", 1, "value 1 can't be compared with answer"),
        ("items", "contains", 1, "value 1 can't be compared with items"),
        ("passed", "eq", "yes", "value 'yes' is not true or false"),
        ("passed", "contains", True, "op 'contains' needs a text or a list, passed is neither"),
        ("score", "contains", 1, "op 'contains' needs a text or a list, score is neither"),
        ("state", "contains", "done", "op 'contains' needs a text or a list, state is neither"),
        ("answer", "gt", "a", "op 'gt' needs a number, not 'a'"),
        ("state", "ge", "a", "op 'ge' needs a number, not 'a'"),
        ("passed", "lt", True, "op 'lt' needs a number, not True"),
        ("items", "le", "a", "op 'le' needs a number, not 'a'"),
        ("state", "eq", "broken", "value 'broken' is no state that a task ends in: use done, failed or skipped"),
        ("state", "ne", "waiting", "value 'waiting' is no state that a task ends in: use done, failed or skipped"),
        ("answer", "eq", " [1]. ", "value ' [1]. ' has no words to compare"),
        ("items", "contains", "", "value '' has no words to compare"),
        ("score", "gt", 1, "score gt 1 can never hold: score is from 0 to 1"),
        ("score", "ge", 1.5, "score ge 1.5 can never hold: score is from 0 to 1"),
        ("score", "eq", -1, "score eq -1 can never hold: score is from 0 to 1"),
        ("score", "lt", 0, "score lt 0 can never hold: score is from 0 to 1"),
        ("missing", "le", -1, "missing le -1 can never hold: missing is at least 0"),
        ("items", "gt", 20, "items gt 20 can never hold: items is from 0 to 20"),
        ("items", "eq", 1.5, "items eq 1.5 can never hold: items is a whole number"),
    ],
)
def test_a_condition_that_can_never_be_decided_is_named(field: str, op: str, value: object, problem: str) -> None:
    assert condition_problem(field, op, value, "executor") == problem


def test_a_fan_out_may_have_more_items_than_one_answer() -> None:
    assert condition_problem("items", "gt", 20, "executor", fan_out=True) is None
    assert condition_problem("items", "lt", 0, "executor", fan_out=True) is not None


@pytest.mark.parametrize(
    ("field", "op", "value"),
    [
        ("score", "ge", 1),
        ("score", "gt", 0.99),
        ("score", "le", 0),
        ("score", "ne", 7),
        ("items", "eq", 20),
        ("items", "gt", 19),
        ("items", "lt", 1),
        ("missing", "gt", 10_000),
        ("items", "gt", 1.5),
    ],
)
def test_a_condition_at_the_edge_of_a_range_can_hold(field: str, op: str, value: float) -> None:
    assert condition_problem(field, op, value, "executor") is None


@pytest.mark.parametrize(("op", "value"), [("eq", 0.5), ("eq", 1), ("eq", 0), ("ge", 1), ("gt", 0.999), ("lt", 0.001)])
def test_a_score_may_be_compared_with_any_number_from_0_to_1(op: str, value: float) -> None:
    assert condition_problem("score", op, value, "executor") is None


@pytest.mark.parametrize(("field", "value", "highest"), [("score", 1.001, 1), ("items", 21, 20)])
def test_equality_with_more_than_the_highest_value_can_never_hold(field: str, value: float, highest: int) -> None:
    problem = condition_problem(field, "eq", value, "executor")

    assert problem == f"{field} eq {value} can never hold: {field} is from 0 to {highest}"


def test_a_word_of_one_letter_is_no_part_of_another() -> None:
    assert not holds(condition("answer", "contains", "x"), {"answer": "xylophone"})
    assert holds(condition("answer", "contains", "x"), {"answer": "axis x"})


def test_a_text_without_words_is_contained_in_nothing() -> None:
    assert not holds(condition("answer", "contains", "."), VALUES)
