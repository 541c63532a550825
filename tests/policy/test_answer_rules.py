"""Rules that code checks: what an answer breaks is said in words for whoever revises it."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from murmuration.contracts.rules import Rules
from murmuration.policy.answer_rules import broken_rules

SCHEMA = {"type": "object", "required": ["degrees"], "properties": {"degrees": {"type": "integer"}}}


@pytest.mark.parametrize(
    ("rules", "answer", "reason"),
    [
        ({"min_characters": 10}, "short [1] [2] [3]", "has 5 characters, at least 10"),
        ({"max_characters": 5}, "longer [1]", "has 6 characters, at most 5"),
        ({"forbidden_words": ("cheap", "very hot")}, "Very HOT tea [1]", "uses forbidden words: very hot"),
        ({"citations": 2}, "twice [1] the same [1]", "cites 1 passages, at least 2"),
        ({"json_schema": SCHEMA}, "eighty degrees [1]", "is not JSON"),
        ({"json_schema": SCHEMA}, '{"degrees": "eighty"} [1]', "$.degrees: 'eighty' is not of type 'integer'"),
    ],
)
def test_what_breaks_a_rule_is_named(rules: dict[str, Any], answer: str, reason: str) -> None:
    (found,) = broken_rules(Rules(**rules), answer)

    assert reason in found


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
def test_what_keeps_the_rules_is_let_through(rules: dict[str, Any], answer: str) -> None:
    assert broken_rules(Rules(**rules), answer) == []


def test_words_are_matched_as_they_are_written_and_not_as_patterns() -> None:
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
def test_rules_that_make_no_sense_are_refused(rules: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Rules.model_validate_json(json.dumps(rules), strict=True, extra="forbid")

    assert [".".join(map(str, error["loc"])) for error in refused.value.errors()] == [field]
