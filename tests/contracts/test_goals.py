"""A body is taken as it is documented, or refused with its field."""

import json
from typing import Any

import jsonschema
import pytest
from pydantic import ValidationError

from murmuration.contracts.goals import Goal, GoalRequest, Options
from murmuration.http.body import body_schema

OWNER = {"caller": {"tenant": "t"}, "owner": {"tenant": "t"}}


def read(body: Any) -> GoalRequest:
    """Parse it as the HTTP API does."""
    return GoalRequest.model_validate_json(json.dumps(body), strict=True, extra="forbid")


def nested(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(levels - 1):
        value = {"in": value}
    return value


def with_options(**options: Any) -> dict[str, Any]:
    return {"goal": "x", "options": options}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, ("goal",)),
        ({"goal": ""}, ("goal",)),
        ({"goal": " \n "}, ("goal",)),
        ({"goal": "x" * 8_001}, ("goal",)),
        ({"goal": 7}, ("goal",)),
        ({"goal": "\ud800"}, ()),
        ({"goal": float("nan")}, ("goal",)),
        ({"goal": "x", "gaol": "x"}, ("gaol",)),
        ({"goal": "x", "user": "a\nb"}, ("user",)),
        ({"goal": "x", "metadata": []}, ("metadata",)),
        ({"goal": "x", "metadata": {"a": "y" * 16_384}}, ("metadata",)),
        ({"goal": "x", "metadata": {"a": "\ud800"}}, ()),
        ({"goal": "x", "metadata": {"a": [float("nan")]}}, ("metadata",)),
        ({"goal": "x", "metadata": {"a": float("inf")}}, ("metadata",)),
        ({"goal": "x", "metadata": nested(9)}, ("metadata",)),
        ({"goal": "x", "metadata": nested(500)}, ()),
        (with_options(speed=1), ("options", "speed")),
        (with_options(concurrency=0), ("options", "concurrency")),
        (with_options(concurrency="5"), ("options", "concurrency")),
        (with_options(concurrency=True), ("options", "concurrency")),
        (with_options(concurrency=5.0), ("options", "concurrency")),
        (with_options(revision_limit=11), ("options", "revision_limit")),
        (with_options(remember="no"), ("options", "remember")),
        (with_options(wait=231), ("options", "wait")),
        (with_options(budget={"tokens": -1}), ("options", "budget", "tokens")),
        (with_options(budget={"money": 1}), ("options", "budget", "money")),
        (with_options(budget={"usd": float("nan")}), ("options", "budget", "usd")),
        (with_options(rules={"citations": "2"}), ("options", "rules", "citations")),
        (with_options(rules={"tone": "warm"}), ("options", "rules", "tone")),
        (with_options(rules={"json_schema": {"const": float("nan")}}), ("options", "rules", "json_schema")),
        (with_options(approval={"panels": []}), ("options", "approval", "panels")),
        (with_options(approval={"panels": [{"approvers": ["a@b.c"], "vote": 1}]}),
         ("options", "approval", "panels", 0, "vote")),
        ({"goal": "x", "scope": {"sources": [""]}}, ("scope", "sources", 0)),
        ({"goal": "x", "scope": {"folders": ["a"]}}, ("scope", "folders")),
        ({"goal": "x", "scope": {"since": 1_700_000_000}}, ("scope", "since")),
        ({"goal": "x", "scope": {"since": "2026-01-01T00:00:00"}}, ("scope", "since")),
        ({"goal": "x", "scope": {"since": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00Z"}},
         ("scope", "until")),
        ({"goal": "x", "plan": [{"id": "t1", "type": "executor", "instruction": "x", "tool": "y"}]},
         ("plan", 0, "tool")),
        ([], ()),
        ("goal", ()),
    ],
)  # fmt: skip
def test_a_bad_goal_is_refused_with_its_field(body: Any, field: tuple[str, ...]) -> None:
    with pytest.raises(ValidationError) as refused:
        read(body)

    assert refused.value.errors()[0]["loc"] == field


def test_a_goal_at_every_limit_is_taken() -> None:
    body = {
        "goal": "x" * 8_000,
        "metadata": nested(8),
        "scope": {"sources": ["a/"] * 50, "since": "2026-01-01T00:00:00Z", "until": "2026-01-01T02:00:00+01:00"},
        "options": {"concurrency": 50, "revision_limit": 10, "wait": 230, "budget": {"tokens": 50_000_000}},
    }

    assert read(body).goal == "x" * 8_000


def test_the_published_schema_says_the_same_as_the_code() -> None:
    schema = body_schema(GoalRequest)

    jsonschema.validate({"goal": "x", "options": {"concurrency": 3}}, schema)
    for bad in ({}, {"goal": ""}, {"goal": "x", "a": 1}, with_options(speed=1), with_options(rules={"tone": "warm"})):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(bad, schema)


def test_an_older_worker_reads_a_newer_runs_input() -> None:
    newer = {"text": "x", "options": {"concurrency": 7, "new_option": 1}, "new_field": 1, **OWNER}

    assert Goal.model_validate(newer).options == Options(concurrency=7)


def test_the_time_that_a_request_waits_is_not_part_of_the_run() -> None:
    goal = Goal.model_validate({"text": "x", "options": read(with_options(wait=30)).options, **OWNER})

    assert "wait" not in goal.model_dump(mode="json")["options"]
