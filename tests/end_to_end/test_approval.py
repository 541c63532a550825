"""A goal that people must approve, over HTTP: from the link to the outcome."""

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.end_to_end.conftest import Product

ANN = "ann@example.com"
GOAL = "How long does black tea steep?"


def begin(product: Product, **approval: Any) -> str:
    """Start a run that asks Ann, and return its id."""
    options = {"approval": {"panels": [{"approvers": [ANN]}], **approval}}
    status, started = product.call("POST", "/api/goals", {"goal": GOAL, "user": "bob@example.com", "options": options})
    assert status == 202, started
    return str(started["id"])


def gate(product: Product, run: str, number: int = 1) -> dict[str, Any]:
    """Wait for the run's gate of this number and return it."""
    gates: list[dict[str, Any]] = wait_for(product, run, lambda state: len(state["gates"]) >= number)["gates"]
    return gates[number - 1]


def link(product: Product, run: str, number: int = 1) -> str:
    """Wait for the gate of this number and return the path of Ann's link."""
    gate(product, run, number)
    _, listed = product.call("GET", f"/api/runs/{run}/gates?approver={ANN}")
    return str(urlsplit(listed["gates"][number - 1]["link"]).path)


def outcome(product: Product, run: str) -> dict[str, Any]:
    """Wait for the run's outcome and return it."""
    ended: dict[str, Any] = wait_for(product, run, lambda state: state["outcome"] is not None)["outcome"]
    return ended


def wait_for(product: Product, run: str, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Wait until the run's state satisfies the condition, and return it."""
    state: dict[str, Any] = {}
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        _, state = product.call("GET", f"/api/goals/{run}")
        if condition(state):
            return state
        time.sleep(0.05)
    raise AssertionError(f"never happened: {state}")


def test_an_answer_goes_out_when_it_is_approved(product: Product) -> None:
    run = begin(product)
    path = link(product, run)
    state = product.call("GET", f"/api/goals/{run}")[1]
    assert (state["stage"], state["outcome"]) == ("approving", None)
    assert (state["gates"][0]["state"], state["gates"][0]["approvers"]) == ("open", [ANN])
    assert "five minutes" in product.call("GET", path)[1]["content"]

    status, decided = product.call("POST", path, {"decision": "approve"})

    ended = outcome(product, run)
    assert status == 200, decided
    assert ended["status"] == "completed"
    assert "five minutes" in ended["answer"]
    assert [approval["state"] for approval in ended["approvals"]] == ["approved"]
    assert {"opened", "voted", "decided"} <= {entry["event"] for entry in ended["approvals"][0]["audit"]}
    assert product.call("POST", path, {"decision": "reject"})[0] == 409
    assert outcome(product, run) == ended


def test_a_rejected_answer_is_not_shown(product: Product) -> None:
    run = begin(product)

    product.call("POST", link(product, run), {"decision": "reject", "comment": "not yet"})

    ended = outcome(product, run)
    assert (ended["status"], ended["error"]["code"], ended["answer"]) == ("failed", "answer_rejected", "")
    assert "not yet" in ended["error"]["message"]


def test_a_revision_makes_another_answer_and_another_gate(product: Product) -> None:
    run = begin(product)
    product.call("POST", link(product, run), {"decision": "revise", "comment": "name the water, too"})

    product.call("POST", link(product, run, 2), {"decision": "approve"})

    ended = outcome(product, run)
    assert (ended["status"], ended["revisions"]) == ("completed", 1)
    assert "name the water, too" in product.prompts("writer")[-1]


def test_a_plan_is_shown_before_anything_is_done(product: Product) -> None:
    run = begin(product, of=["plan"])
    path = link(product, run)

    question = product.call("GET", path)[1]
    product.call("POST", path, {"decision": "approve"})

    assert question["title"] == "Plan"
    assert "(retriever)" in question["content"]
    assert outcome(product, run)["status"] == "completed"


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"approval": {"panels": []}}, "options.approval.panels"),
        ({"approval": {"panels": [{"approvers": ["nobody"]}]}}, "options.approval.panels.0.approvers.0"),
        ({"approval": {"panels": [{"approvers": [ANN], "quorum": 2}]}}, "options.approval"),
        ({"approval": {"panels": [{"approvers": ["bob@example.com"]}]}}, "options.approval"),
        ({"approval": {"panels": [{"approvers": [ANN]}], "of": ["everything"]}}, "options.approval.of.0"),
        ({"on_exhausted": "ask_person"}, "options.on_exhausted"),
    ],
)
def test_an_approval_that_nobody_could_give_is_refused(product: Product, options: dict[str, Any], field: str) -> None:
    body = {"goal": GOAL, "user": "bob@example.com", "options": options}

    status, problem = product.call("POST", "/api/goals", body)

    assert (status, problem["errors"][0]["field"]) == (400, field)
