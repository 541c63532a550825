"""Documents and memories over HTTP: their scope, their owner and their origin."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.end_to_end.conftest import Product


def test_a_scope_keeps_other_documents_out_of_an_answer(product: Product) -> None:
    question = "How long does tea steep?"

    for sources, expected in ((["tea/g"], {"tea/green.md"}), (["tea/b"], {"tea/black.rst"})):
        body = {"goal": question, "scope": {"sources": sources}}
        _, outcome = product.call("POST", "/api/goals?wait=100", body)
        assert {citation["source"] for citation in outcome["citations"]} == expected


def test_a_users_documents_answer_the_users_goals_alone(product: Product) -> None:
    documents = [{"source": "diary.md", "content": "The secret recipe of the house needs nine plums."}]
    body = {"documents": documents, "user": "ada@example.com", "wait": 60}
    assert product.call("POST", "/api/documents", body)[1]["report"]["written"] == 1
    goal = {"goal": "How many plums does the secret recipe need?"}

    _, hers = product.call("POST", "/api/goals?wait=100", {**goal, "user": "ada@example.com"})
    _, his = product.call("POST", "/api/goals?wait=100", {**goal, "user": "bob@example.com"})

    assert "nine plums" in hers["answer"]
    assert "nine plums" not in json.dumps(his)
    assert "nine plums" not in json.dumps(memories(product, about="plums", user="bob@example.com"))
    assert "nine plums" in json.dumps(memories(product, about="plums", user="ada@example.com"))


def test_a_users_name_appears_nowhere_in_a_run(product: Product) -> None:
    body = {"goal": "How hot is green tea?", "user": "grace@example.com", "session_id": "kitchen talk"}
    _, links = product.call("POST", "/api/goals?wait=0", body)
    query = "?showInput=true&showHistory=true&showHistoryOutput=true"
    url = links["statusQueryGetUri"]
    _, raw = product.call("GET", query + "&" + url.partition("?")[2], base=url.partition("?")[0])

    assert raw["name"] == "achieve_goal"
    assert "How hot is green tea?" in json.dumps(raw)
    assert "grace" not in json.dumps(raw)
    assert "kitchen" not in json.dumps(raw)


def test_a_run_not_to_be_remembered_leaves_no_memory(product: Product) -> None:
    outcome = product.achieve("What was replaced in May?", remember=False)

    assert outcome["status"] == "completed"
    assert outcome["degraded"] == []
    assert "archivist" not in outcome["prompts"]
    assert all(memory["about"] != "What was replaced in May?" for memory in memories(product, about="replaced in May"))


def test_a_memory_names_its_sources_and_since_when_it_holds(product: Product) -> None:
    before = datetime.now(UTC)
    product.achieve("When was the kettle descaled?")

    (outcome,) = [
        memory for memory in memories(product, about="kettle") if memory["about"] == "When was the kettle descaled?"
    ]
    assert (outcome["kind"], outcome["sources"]) == ("outcome", ["log.txt"])
    assert "March" in outcome["text"]
    assert before < datetime.fromisoformat(outcome["valid_from"]) < datetime.now(UTC)
    earlier = memories(product, as_of=(before - timedelta(seconds=1)).isoformat())
    assert outcome["id"] not in {memory["id"] for memory in earlier}


def test_the_most_relevant_memory_comes_first(product: Product) -> None:
    for goal in ("When was the kettle descaled?", "How long does black tea steep?"):
        product.achieve(goal)

    for words in ({"kettle", "descaled"}, {"black", "tea", "steep"}):
        first = memories(product, about=" ".join(sorted(words)))[0]
        assert words <= set(first["about"].rstrip("?").lower().split())


def memories(product: Product, **parameters: str) -> list[dict[str, Any]]:
    """List the memories that match the parameters."""
    status, answer = product.call("GET", f"/api/memories?{urlencode(parameters)}")
    assert status == 200, answer
    rows: list[dict[str, Any]] = answer["memories"]
    return rows


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"user": 5}, "user"),
        ({"user": "x" * 257}, "user"),
        ({"user": "a\nb"}, "user"),
        ({"session_id": ["x"]}, "session_id"),
        ({"scope": {"kinds": ["word"]}}, "scope.kinds.0"),
        ({"scope": {"sources": [""]}}, "scope.sources.0"),
        ({"scope": {"since": "yesterday"}}, "scope.since"),
        ({"scope": {"since": 5}}, "scope.since"),
        ({"scope": {"since": "2026-01-01T00:00:00"}}, "scope.since"),
        ({"scope": {"since": "2026-02-01T00:00:00Z", "until": "2026-01-01T00:00:00Z"}}, "scope.until"),
        ({"scope": {"tenant": "other"}}, "scope.tenant"),
        ({"options": {"remember": "no"}}, "options.remember"),
    ],
)
def test_a_wrong_scope_or_user_is_named(product: Product, body: dict[str, Any], field: str) -> None:
    status, problem = product.call("POST", "/api/goals", {"goal": "x", **body})

    assert status == 400
    assert field in [row["field"] for row in problem["errors"]]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("as_of=soon", "as_of"),
        ("as_of=2026-01-01", "as_of"),
        ("user=" + "x" * 257, "user"),
        ("about=" + "x" * 2_001, "about"),
    ],
)
def test_a_wrong_query_of_memories_is_named(product: Product, query: str, field: str) -> None:
    status, problem = product.call("GET", f"/api/memories?{query}")

    assert (status, problem["errors"][0]["field"]) == (400, field)


def test_agents_are_listed_and_found_by_their_purpose(product: Product) -> None:
    _, everything = product.call("GET", "/api/agents")
    _, matching = product.call("GET", "/api/agents?for=turn+a+goal+into+tasks")

    assert {"planner", "executor", "writer", "evaluator"} <= {agent["name"] for agent in everything["agents"]}
    assert matching["agents"][0]["name"] == "planner"
    assert "prompt" not in matching["agents"][0]
