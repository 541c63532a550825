"""Rules that code checks: what an answer breaks is said in words for whoever revises it."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from murmuration.contracts.rules import Rules
from murmuration.policy.answer_rules import broken_rules

SCHEMA = {"type": "object", "required": ["degrees"], "properties": {"degrees": {"type": "integer"}}}


@pytest.mark.parametrize(
    ("rules", "answer", "problem"),
    [
        ({"min_characters": 10}, "short [1] [2] [3]", "has 5 characters, at least 10 are wanted"),
        ({"max_characters": 5}, "longer [1]", "has 6 characters, at most 5 are wanted"),
        (
            {"forbidden_words": ("cheap", "very hot", "tea")},
            "Very HOT tea [1]",
            "uses forbidden words: very hot, tea",
        ),
        ({"citations": 2}, "twice [1] the same [1]", "cites 1 passages, at least 2 are wanted"),
        ({"json_schema": SCHEMA}, "eighty degrees [1]", "is not JSON"),
        ({"json_schema": SCHEMA}, '{"degrees": "eighty"} [1]', "$.degrees: 'eighty' is not of type 'integer'"),
    ],
)
def test_a_broken_rule_is_named(rules: dict[str, Any], answer: str, problem: str) -> None:
    assert broken_rules(Rules(**rules), answer) == [problem]


def test_all_broken_rules_are_named() -> None:
    rules = Rules(min_characters=10, forbidden_words=("tea",), citations=1)

    assert len(broken_rules(rules, "tea")) == 3


def test_spaces_and_markers_around_an_answer_are_not_its_characters() -> None:
    rules = Rules(min_characters=3, max_characters=3)

    assert broken_rules(rules, "  t\u00e9a  [1] [1234]\n") == []
    assert broken_rules(rules, "tea [12345]"), "a number of five digits is no marker"


def test_the_first_five_problems_of_a_schema_come_in_the_order_of_their_fields() -> None:
    fields = "gfedcba"
    schema = {"properties": {field: {"type": "integer"} for field in fields}}

    problems = broken_rules(Rules(json_schema=schema), json.dumps(dict.fromkeys(fields, "x")))

    assert [problem.partition(":")[0] for problem in problems] == ["$.a", "$.b", "$.c", "$.d", "$.e"]


def test_the_problem_of_a_schema_is_cut() -> None:
    """A validator quotes the value, which may be the whole answer."""
    (problem,) = broken_rules(Rules(json_schema={"type": "integer"}), json.dumps("x" * 1_000))

    assert problem == f"$: '{'x' * 199}"


@pytest.mark.parametrize(
    ("rules", "answer"),
    [
        ({}, ""),
        ({"min_characters": 5, "max_characters": 5}, "tasty [1]"),
        ({"forbidden_words": ("hot", "c++")}, "A photo of a hotel [1]"),
        ({"citations": 2}, "one [1] two [2]"),
        ({"json_schema": SCHEMA}, '{"degrees": 80} [1]'),
    ],
)
def test_an_answer_that_keeps_the_rules_has_no_problem(rules: dict[str, Any], answer: str) -> None:
    assert broken_rules(Rules(**rules), answer) == []


def test_forbidden_words_are_words_and_not_patterns() -> None:
    assert broken_rules(Rules(forbidden_words=("c++", ".*")), "C++ is fast")
    assert not broken_rules(Rules(forbidden_words=(".*",)), "anything")


@pytest.mark.parametrize(
    ("rules", "field"),
    [
        ({"min_characters": -1}, "min_characters"),
        ({"max_characters": 0}, "max_characters"),
        ({"min_characters": 9, "max_characters": 8}, ""),
        ({"forbidden_words": [""]}, "forbidden_words.0"),
        ({"json_schema": {"type": "wizard"}}, "json_schema"),
        ({"tone": "warm"}, "tone"),
    ],
)
def test_contradictory_rules_are_refused(rules: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Rules.model_validate_json(json.dumps(rules), strict=True, extra="forbid")

    assert [".".join(map(str, error["loc"])) for error in refused.value.errors()] == [field]
