"""The product as its users meet it: real SDKs, HTTP and a store; faults come over the wire."""

import json
import threading
import time
from typing import Any
from urllib.parse import quote

import jsonschema
import pytest

from murmuration.agents.loader import load_agent
from simulation.virtual_host import VERSION
from tests.end_to_end.conftest import DOCUMENTS, Product

GOAL = "How hot is the water for green tea, and how long does black tea steep?"


def test_a_goal_is_answered_with_citations_a_verdict_and_its_usage(product: Product) -> None:
    outcome = product.achieve(GOAL)

    assert outcome["status"] == "completed"
    assert "80 degrees [1]" in outcome["answer"]
    assert "five minutes [2]" in outcome["answer"]
    assert [(citation["number"], citation["source"], citation["quote"]) for citation in outcome["citations"]] == [
        (1, "tea/green.md", "Green tea needs water of 80 degrees."),
        (2, "tea/black.rst", "It steeps for five minutes."),
    ]
    assert outcome["verdict"]["passed"]
    assert {task["state"] for task in outcome["tasks"]} == {"done"}
    assert outcome["usage"]["model_calls"] == 8
    assert outcome["usage"]["input_tokens"] > 500
    agents = ("archivist", "evaluator", "executor", "planner", "writer")
    assert outcome["prompts"] == {name: load_agent(name).version for name in agents}
    assert outcome["models"] == ["local-hash-1", "murmuration-offline-1"]
    assert outcome["degraded"] == []


def test_a_start_answers_at_once_with_the_urls_of_durable_and_its_own(product: Product) -> None:
    status, links = product.call("POST", "/api/goals", {"goal": "How hot is green tea?", "metadata": {"a": 1}})

    assert status == 202
    assert {"id", "goalUri", "statusQueryGetUri", "sendEventPostUri", "terminatePostUri"} <= links.keys()
    while (state := product.call("GET", f"/api/goals/{links['id']}")[1])["outcome"] is None:
        assert state["status"] in ("pending", "running")
        time.sleep(0.02)
    assert (state["status"], state["stage"]) == ("completed", "ended")
    assert state["outcome"]["metadata"] == {"a": 1}
    assert state["usage"]["tokens"] > 0
    status, raw = product.call("GET", "", base=links["statusQueryGetUri"])
    assert (status, raw["runtimeStatus"], raw["name"]) == (200, "Completed", "achieve_goal")
    assert raw["output"]["answer"] == state["outcome"]["answer"]


def test_a_runs_input_says_who_called_and_under_which_version_it_runs(product: Product) -> None:
    _, links = product.call("POST", "/api/goals", {"goal": "How hot is green tea?", "user": "ann"})

    _, raw = product.call("GET", "", base=links["statusQueryGetUri"] + "&showInput=true")

    run_input = json.loads(raw["input"])
    assert run_input["caller"] == {"tenant": "default", "user": ""}, "a function key names nobody"
    assert run_input["owner"]["user"], "the person for whom it runs is the body's"
    assert run_input["workflow_version"] == VERSION
    assert run_input["forked_from"] is None


def test_outcomes_match_the_published_schemas(product: Product) -> None:
    _, published = product.call("GET", "/api/schemas")

    jsonschema.validate(product.achieve("How hot is green tea?"), published["schemas"]["Outcome"])
    assert product.call("GET", "/api/schemas/GoalRequest")[1] == published["schemas"]["GoalRequest"]
    assert product.call("GET", "/api/health") == (200, {"status": "ok"})


def test_a_repeated_start_gives_the_same_run(product: Product) -> None:
    body = {"goal": "How hot is green tea?"}
    key = {"Idempotency-Key": "order-66"}

    runs = {product.call("POST", "/api/goals", body, headers=key)[1]["id"] for _ in range(3)}

    assert len(runs) == 1
    status, problem = product.call("POST", "/api/goals", {"goal": "Another?"}, headers=key)
    assert (status, problem["title"]) == (422, "Idempotency-Key reused")


@pytest.mark.parametrize(
    ("body", "status", "quoted"),
    [
        (b"{not json", 400, "not JSON"),
        (b'{"goal": NaN}', 400, "goal: Input should be a valid string (got nan)"),
        (b'{"goal": "x", "metadata": {"a": NaN}}', 400, "metadata: Out of range float values are not JSON compliant"),
        (b"\xff\xfe", 400, "not UTF-8"),
        (b"[" * 100_000, 400, "nested too deeply"),
        (b"[]", 400, "(body)"),
        (b"", 400, "not JSON"),
        ({}, 400, "goal: is missing"),
        ({"goal": " "}, 400, "goal: String should have at least 1 character"),
        ({"goal": 5}, 400, "goal: Input should be a valid string (got 5)"),
        ({"goal": "x" * 8_001}, 400, "goal: String should have at most 8000 characters"),
        ({"goal": "x", "options": {"speed": 9}}, 400, "options.speed: unknown field (got 9)"),
        ({"goal": "x", "options": {"concurrency": "many"}}, 400, "options.concurrency"),
        ({"goal": "x", "options": {"budget": {"tokens": -5}}}, 400, "(got -5)"),
        ({"goal": "x", "metadata": {"a": "y" * 20_000}}, 400, "metadata: has 20009 bytes"),
        ({"goal": "x" * 1_100_000}, 413, "at most 1048576"),
    ],
)
def test_a_bad_goal_is_refused_by_field(product: Product, body: Any, status: int, quoted: str) -> None:
    answered, problem = product.call("POST", "/api/goals", body)

    assert answered == status == problem["status"]
    assert quoted in problem["detail"]
    assert "Traceback" not in json.dumps(problem)


def test_other_bad_requests(product: Product) -> None:
    assert product.call("POST", "/api/goals", b"x", headers={"Content-Type": "text/plain"})[0] == 415
    for wait in ("soon", "-1", "231", "9" * 5_000, "1.5", "²"):
        status, problem = product.call("POST", f"/api/goals?wait={quote(wait)}", {"goal": "x"})
        assert (status, problem["errors"][0]["field"]) == (400, "wait")
    assert product.call("POST", "/api/goals", {"goal": "x"}, headers={"Idempotency-Key": "k" * 256})[0] == 400
    assert product.call("GET", "/api/schemas/Nothing")[0] == 404


@pytest.mark.parametrize("run", ["nobody", "0123456789abcdef-" + "0" * 32, "x" * 1_000])
def test_an_unknown_run_is_not_found(product: Product, run: str) -> None:
    status, problem = product.call("GET", f"/api/goals/{run}")

    assert (status, problem["title"]) == (404, "Not found")


def test_a_reading_is_no_goal(product: Product) -> None:
    documents = [{"source": "log.txt", "content": DOCUMENTS["log.txt"]}]
    _, report = product.call("POST", "/api/documents", {"documents": documents, "wait": 60})

    assert report["report"]["written"] == 0, "an unchanged document is not written again"
    assert report["report"]["unchanged"] == 1
    assert product.call("GET", f"/api/documents/{report['id']}")[1]["report"] == report["report"]
    assert product.call("GET", f"/api/goals/{report['id']}")[0] == 404


def test_a_changed_document_replaces_its_chunks_and_a_broken_one_is_reported(product: Product) -> None:
    def read(*documents: tuple[str, str]) -> Any:
        rows = [{"source": source, "content": content} for source, content in documents]
        return product.call("POST", "/api/documents", {"documents": rows, "wait": 60})[1]["report"]

    first = read(("mate.md", "# Mate\n\nMate is drunk from a gourd."), ("broken.md", ""), ("odd.exe", "x"))
    second = read(("mate.md", "# Mate\n\nMate is drunk from a calabash."))

    assert (first["documents"], first["written"]) == (1, 1)
    assert [(document["source"], document["reason"][:20]) for document in first["unreadable"]] == [
        ("broken.md", "it holds no text"),
        ("odd.exe", "its name ends with n"),
    ]
    assert (second["written"], second["removed"]) == (1, 1)
    assert "calabash" in product.achieve("What is mate drunk from?")["answer"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"documents": []}, "documents"),
        ({"documents": [{"source": "a.md"}]}, "documents.0.content"),
        ({"documents": [{"source": "a\nb.md", "content": "x"}]}, "documents.0.source"),
        ({"documents": [{"source": "a.md", "content": "x"}], "wait": -1}, "wait"),
    ],
)
def test_bad_documents_are_refused_by_field(product: Product, body: Any, field: str) -> None:
    status, problem = product.call("POST", "/api/documents", body)

    assert (status, problem["errors"][0]["field"]) == (400, field)


def test_a_rate_limit_is_waited_out(product: Product) -> None:
    product.script("executor", {"status": 429, "retry_after": 2})
    began = time.monotonic()

    outcome = product.achieve("How hot is green tea?")

    assert outcome["status"] == "completed"
    assert time.monotonic() - began >= 2


@pytest.mark.parametrize("call", [{"status": 500}, {"cut": True}, {"status": 503}])
def test_a_call_is_retried_after_a_model_failure(product: Product, call: dict[str, Any]) -> None:
    product.script("planner", call)

    assert product.achieve("How hot is green tea?")["status"] == "completed"


@pytest.mark.parametrize("call", [{"malformed": True}, {"truncated": True}, {"reply": {"answer": 5}}])
def test_an_unparsable_reply_is_requested_again(product: Product, call: dict[str, Any]) -> None:
    product.script("executor", call, call)

    outcome = product.achieve("How hot is green tea?")

    assert outcome["status"] == "completed"
    assert outcome["usage"]["model_calls"] == 8, "two of them had unusable replies"


def test_a_reply_that_never_parses_fails_its_task(product: Product) -> None:
    product.script("executor", {"malformed": True, "repeat": True})

    outcome = product.achieve("How hot is green tea?")

    assert outcome["status"] == "failed"
    assert outcome["error"]["code"] == "no_task_succeeded"
    assert "unusable_reply" in outcome["tasks"][1]["reason"]


def test_a_refusal_is_final_and_keeps_the_other_task(product: Product) -> None:
    product.script("executor", {"refusal": "no", "match": '"instruction": "how long does black tea steep?"'})

    outcome = product.achieve(GOAL)

    assert outcome["status"] == "completed"
    assert "80 degrees" in outcome["answer"]
    assert "Not answered: how long does black tea steep?" in outcome["answer"]
    assert outcome["missing"] == ["how long does black tea steep?"]


@pytest.mark.parametrize(
    ("tasks", "code"),
    [
        ([{"id": "a", "type": "executor", "instruction": "x", "depends_on": ["a"]}], "unusable_plan"),
        ([{"id": "a", "type": "wizard", "instruction": "x", "depends_on": []}], "unsupported_task"),
    ],
)
def test_an_unusable_plan_is_sent_back_twice(product: Product, tasks: list[dict[str, Any]], code: str) -> None:
    bad = {"reply": {"tasks": tasks}}

    product.script("planner", bad, bad)
    assert product.achieve("How hot is green tea?")["status"] == "completed"

    product.script("planner", bad, bad, bad)
    outcome = product.achieve("How hot is green tea?")
    assert (outcome["status"], outcome["error"]["code"]) == ("failed", code)


def test_citations_of_no_passage_never_get_through(product: Product) -> None:
    product.script("executor", {"reply": {"answer": "Green tea is nice [7].", "missing": []}, "repeat": True})

    outcome = product.achieve("How hot is green tea?")

    assert "[7]" not in json.dumps(outcome["answer"])
    verdict = outcome["tasks"][1]["verdict"]
    assert not verdict["passed"]
    assert "cites [7], which is none of the passages" in verdict["reasons"]


def test_without_embeddings_keyword_search_is_used_and_reported(product: Product) -> None:
    product.script("embeddings", {"status": 503, "repeat": True})

    outcome = product.achieve("How hot is green tea?")

    assert outcome["status"] == "completed"
    assert "80 degrees" in outcome["answer"]
    assert "keyword_search" in outcome["degraded"]


def test_a_failed_search_is_retried(product: Product) -> None:
    product.fail_search(path="knowledge", status=503, retry_after=1, times=1)

    outcome = product.achieve("How hot is green tea?")

    assert (outcome["status"], outcome["degraded"]) == ("completed", [])


def test_without_search_a_run_continues_without_context_and_reports_it(product: Product) -> None:
    product.fail_search(status=503, times=1_000)

    outcome = product.achieve("How hot is green tea?")

    assert (outcome["status"], outcome["citations"], outcome["verdict"]["passed"]) == ("completed", [], False)
    assert "do not answer" in outcome["answer"]
    assert {"no_context", "no_memory"} <= set(outcome["degraded"])


def test_a_budget_stops_a_run(product: Product) -> None:
    outcome = product.achieve(GOAL, budget={"model_calls": 3}, concurrency=1)

    assert (outcome["status"], outcome["error"]["code"]) == ("failed", "budget_exceeded")
    assert outcome["usage"]["model_calls"] == 3


def test_many_goals_at_once(product: Product) -> None:
    outcomes: list[dict[str, Any]] = []
    threads = [
        threading.Thread(target=lambda: outcomes.append(product.achieve("How hot is green tea?"))) for _ in range(10)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [outcome["status"] for outcome in outcomes] == ["completed"] * 10
    assert len({outcome["answer"] for outcome in outcomes}) == 1


def test_a_run_is_remembered_and_recalled(product: Product) -> None:
    product.achieve("How long does black tea steep?")
    product.call("DELETE", "/control/calls", base=product.model)

    product.achieve("How long does black tea steep?")

    prompt = json.loads(product.prompts("planner")[0])
    assert any("five minutes" in note["text"] for note in prompt["known"])


def test_a_large_answer_is_stored_as_an_artifact_and_arrives_whole(product: Product) -> None:
    long = "Green tea needs water of 80 degrees [1]. " * 400
    product.script("writer", {"reply": {"answer": long, "missing": []}})
    product.script("evaluator", {"reply": {"passed": True, "score": 1.0, "reasons": [], "changes": ""}, "repeat": True})

    status, links = product.call("POST", "/api/goals?wait=0", {"goal": "How hot is green tea?"})
    assert status == 202
    while (state := product.call("GET", f"/api/goals/{links['id']}")[1])["outcome"] is None:
        time.sleep(0.02)

    raw = product.call("GET", "", base=links["statusQueryGetUri"])[1]["output"]
    assert (raw["answer"], bool(raw["answer_artifact"])) == ("", True)
    assert state["outcome"]["answer"] == long.strip()
