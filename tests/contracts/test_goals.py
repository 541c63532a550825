"""What comes in at the door is taken as it is documented, or refused with the field."""

from typing import Any

import jsonschema
import pytest
from pydantic import ValidationError

from murmuration.contracts.goals import Goal, GoalRequest, Options


def nested(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(levels - 1):
        value = {"in": value}
    return value


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, ("goal",)),
        ({"goal": ""}, ("goal",)),
        ({"goal": " \n "}, ("goal",)),
        ({"goal": "x" * 8_001}, ("goal",)),
        ({"goal": 7}, ("goal",)),
        ({"goal": "\ud800"}, ("goal",)),
        ({"goal": "x", "gaol": "x"}, ("gaol",)),
        ({"goal": "x", "metadata": []}, ("metadata",)),
        ({"goal": "x", "metadata": {"a": "y" * 16_384}}, ("metadata",)),
        ({"goal": "x", "metadata": {"a": "\ud800"}}, ("metadata",)),
        ({"goal": "x", "metadata": nested(9)}, ("metadata",)),
        ({"goal": "x", "options": {"speed": 1}}, ("options", "speed")),
        ({"goal": "x", "options": {"concurrency": 0}}, ("options", "concurrency")),
        ({"goal": "x", "options": {"concurrency": "5"}}, ("options", "concurrency")),
        ({"goal": "x", "options": {"concurrency": True}}, ("options", "concurrency")),
        ({"goal": "x", "options": {"revision_limit": 11}}, ("options", "revision_limit")),
        ({"goal": "x", "options": {"wait": 231}}, ("options", "wait")),
        ({"goal": "x", "options": {"budget": {"tokens": -1}}}, ("options", "budget", "tokens")),
        ({"goal": "x", "options": {"budget": {"money": 1}}}, ("options", "budget", "money")),
        ([], ()),
        ("goal", ()),
    ],
)
def test_a_bad_goal_is_refused_with_its_field(body: Any, field: tuple[str, ...]) -> None:
    with pytest.raises(ValidationError) as refused:
        GoalRequest.model_validate(body)

    assert refused.value.errors()[0]["loc"] == field


def test_a_goal_at_every_limit_is_taken() -> None:
    body = {
        "goal": "x" * 8_000,
        "metadata": nested(8),
        "options": {"concurrency": 50, "revision_limit": 10, "wait": 230, "budget": {"tokens": 50_000_000}},
    }

    assert GoalRequest.model_validate(body).goal == "x" * 8_000


def test_the_published_schema_says_the_same_as_the_code() -> None:
    schema = GoalRequest.model_json_schema()

    jsonschema.validate({"goal": "x", "options": {"concurrency": 3}}, schema)
    for bad in ({}, {"goal": ""}, {"goal": "x", "a": 1}, {"goal": "x", "options": {"speed": 1}}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(bad, schema)


def test_an_older_worker_reads_a_newer_runs_input() -> None:
    newer = {"owner": {"tenant": "t"}, "text": "x", "options": {"concurrency": 7, "new_option": 1}, "new_field": 1}

    assert Goal.model_validate(newer).options == Options(concurrency=7)
