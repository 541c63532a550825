"""Plans of callers and rules for answers, over HTTP."""

from typing import Any

import pytest

from tests.end_to_end.conftest import Product

STEEP = {"id": "long", "type": "executor", "instruction": "How long does black tea steep?"}


def achieve(product: Product, plan: list[dict[str, Any]], **options: Any) -> dict[str, Any]:
    """Run a goal with this plan and return the outcome."""
    body = {"goal": "How to make tea?", "plan": plan, "options": options}
    status, answer = product.call("POST", "/api/goals?wait=100", body)
    assert status == 200, answer
    outcome: dict[str, Any] = answer
    return outcome


def test_a_callers_plan_is_performed_unchanged(product: Product) -> None:
    items = {"reply": {"answer": "Green tea and black tea [1].", "missing": [], "items": ["green tea", "black tea"]}}
    product.script("executor", {**items, "match": "Which teas"})
    teas = {"id": "teas", "type": "executor", "instruction": "Which teas are there?"}
    hot = {"id": "hot", "type": "executor", "instruction": "What water does ${item} need?", "for_each": "teas"}
    never = {**STEEP, "id": "never", "when": {"task": "teas", "field": "items", "op": "gt", "value": 5}}

    outcome = achieve(product, [teas, hot, never])

    assert outcome["status"] == "completed", outcome["error"]
    assert "80 degrees" in outcome["answer"]
    assert "boiling water" in outcome["answer"]
    assert {task["id"]: task["state"] for task in outcome["tasks"]} == {
        "teas": "done",
        "hot": "done",
        "never": "skipped",
    }
    assert "planner" not in outcome["prompts"]


def test_a_task_is_performed_by_the_agent_it_names(product: Product) -> None:
    outcome = achieve(product, [{**STEEP, "agent": "expert"}])

    assert "five minutes" in outcome["answer"]
    assert "expert" in outcome["prompts"]


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        ([], "a plan has 1 to 50 tasks"),
        ([STEEP, STEEP], "'long' is used twice"),
        ([{**STEEP, "instruction": "${other.answer}"}], "${other.answer} is no reference"),
        ([{**STEEP, "agent": "wizard"}], "agent 'wizard' is none of executor, expert"),
        ([{**STEEP, "type": "spell"}], "type 'spell' is unknown"),
    ],
)
def test_an_impossible_plan_is_refused_before_anything_runs(
    product: Product, plan: list[dict[str, Any]], message: str
) -> None:
    status, problem = product.call("POST", "/api/goals", {"goal": "x", "plan": plan})

    assert (status, problem["errors"][0]["field"]) == (400, "plan")
    assert message in problem["detail"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"plan": [{"id": "a", "type": "executor"}]}, "plan.0.instruction"),
        ({"plan": [{**STEEP, "speed": 1}]}, "plan.0.speed"),
        ({"options": {"rules": {"max_characters": 0}}}, "options.rules.max_characters"),
        ({"options": {"rules": {"json_schema": {"type": "wizard"}}}}, "options.rules.json_schema"),
        ({"options": {"on_exhausted": "cry"}}, "options.on_exhausted"),
        ({"options": {"replan_limit": 9}}, "options.replan_limit"),
        ({"options": {"concurrency": 0}}, "options.concurrency"),
        ({"options": {"concurrency": 10_000}}, "options.concurrency"),
    ],
)
def test_bad_plans_and_rules_name_their_field(product: Product, body: dict[str, Any], field: str) -> None:
    status, problem = product.call("POST", "/api/goals", {"goal": "x", **body})

    assert (status, problem["errors"][0]["field"]) == (400, field)


def test_a_rule_is_checked_without_a_model_and_the_draft_is_revised(product: Product) -> None:
    reply: dict[str, Any] = {"missing": [], "items": []}
    product.script(
        "writer",
        {"reply": {**reply, "answer": "It is a very long story how long black tea steeps: five minutes [1]."}},
        {"reply": {**reply, "answer": "Five minutes [1]."}},
    )

    outcome = achieve(product, [STEEP], rules={"max_characters": 20, "forbidden_words": ["story"]})

    assert outcome["answer"] == "Five minutes [1]."
    assert outcome["revisions"] == 1
    assert "at most 20 are wanted" in product.prompts("writer")[-1]
    evaluated = [prompt for prompt in product.prompts("evaluator") if "very long story" in prompt]
    assert evaluated == [], "a draft that breaks a rule costs no evaluation"


def test_an_answer_that_keeps_breaking_a_rule_may_fail_the_run(product: Product) -> None:
    outcome = achieve(product, [STEEP], rules={"forbidden_words": ["minutes"]}, on_exhausted="fail", revision_limit=1)

    assert outcome["status"] == "failed"
    assert outcome["error"]["code"] == "revision_exhausted"
    assert "minutes" in outcome["error"]["message"]
    assert "five minutes" in outcome["answer"]


def test_an_outcome_reports_its_cost(product: Product) -> None:
    outcome = achieve(product, [STEEP], budget={"usd": 5})

    assert outcome["cost"]["micro_dollars"] == 0, "the offline model costs nothing"
    assert {"executor", "writer", "evaluator"} <= outcome["cost"]["by_agent"].keys()


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"budget": {"usd": 0}}, "options.budget.usd"),
        ({"budget": {"usd": "much"}}, "options.budget.usd"),
        ({"budget": {"usd": -1}}, "options.budget.usd"),
        ({"budget": {"tokens": 10**12}}, "options.budget.tokens"),
        ({"on_budget": "ask_person"}, "options.on_budget"),
        ({"on_budget": "borrow"}, "options.on_budget"),
    ],
)
def test_a_senseless_budget_is_refused(product: Product, options: dict[str, Any], field: str) -> None:
    status, problem = product.call("POST", "/api/goals", {"goal": "x", "options": options})

    assert (status, problem["errors"][0]["field"]) == (400, field)
