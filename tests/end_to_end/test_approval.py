"""A goal that people have to approve, over HTTP: from the link to the outcome."""

import time
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.end_to_end.conftest import Product

ANN = "ann@example.com"
GOAL = "How long does black tea steep?"


def begin(product: Product, **approval: Any) -> str:
    """A run's id, once its first gate is open."""
    options = {"approval": {"panels": [{"approvers": [ANN]}], **approval}}
    status, started = product.call("POST", "/api/goals", {"goal": GOAL, "user": "bob@example.com", "options": options})
    assert status == 202, started
    return str(started["id"])


def gate(product: Product, run: str, number: int = 1) -> dict[str, Any]:
    """The run's gate of this number, once it is open."""
    for _ in range(600):
        _, shown = product.call("GET", f"/api/goals/{run}")
        if len(shown["gates"]) >= number:
            found: dict[str, Any] = shown["gates"][number - 1]
            return found
        time.sleep(0.05)
    raise AssertionError(f"no gate {number} of {shown}")


def link(product: Product, run: str, number: int = 1) -> str:
    """The path of Ann's link."""
    gate(product, run, number)
    _, listed = product.call("GET", f"/api/runs/{run}/gates?approver={ANN}")
    return str(urlsplit(listed["gates"][number - 1]["link"]).path)


def outcome(product: Product, run: str) -> dict[str, Any]:
    for _ in range(600):
        _, shown = product.call("GET", f"/api/goals/{run}")
        if shown["outcome"] is not None:
            found: dict[str, Any] = shown["outcome"]
            return found
        time.sleep(0.05)
    raise AssertionError("no outcome")


def test_an_answer_goes_out_when_it_is_approved(product: Product) -> None:
    run = begin(product)
    path = link(product, run)
    shown = product.call("GET", f"/api/goals/{run}")[1]
    assert (shown["stage"], shown["outcome"]) == ("approving", None)
    assert (shown["gates"][0]["state"], shown["gates"][0]["approvers"]) == ("open", [ANN])
    assert "five minutes" in product.call("GET", path)[1]["asked"]

    status, decided = product.call("POST", path, {"decision": "approve"})

    ended = outcome(product, run)
    assert status == 200, decided
    assert ended["status"] == "completed"
    assert "five minutes" in ended["answer"]
    assert [each["state"] for each in ended["approvals"]] == ["approved"]
    assert {"opened", "voted", "decided"} <= {each["event"] for each in ended["approvals"][0]["audit"]}
    assert product.call("POST", path, {"decision": "reject"})[0] == 409
    assert outcome(product, run) == ended


def test_a_rejected_answer_is_not_told(product: Product) -> None:
    run = begin(product)

    product.call("POST", link(product, run), {"decision": "reject", "comment": "not yet"})

    ended = outcome(product, run)
    assert (ended["status"], ended["error"]["code"], ended["answer"]) == ("failed", "answer_rejected", "")
    assert "not yet" in ended["error"]["message"]


def test_a_wish_makes_another_answer_and_another_gate(product: Product) -> None:
    run = begin(product)
    product.call("POST", link(product, run), {"decision": "revise", "comment": "name the water, too"})

    product.call("POST", link(product, run, 2), {"decision": "approve"})

    ended = outcome(product, run)
    assert (ended["status"], ended["revisions"]) == ("completed", 1)
    asked = product.call("GET", "/control/calls?content=1", base=product.model)[1]["calls"]
    assert "name the water, too" in [each for each in asked if each["agent"] == "writer"][-1]["content"]


def test_a_plan_is_shown_before_anything_is_done(product: Product) -> None:
    run = begin(product, of=["plan"])
    path = link(product, run)

    shown = product.call("GET", path)[1]
    product.call("POST", path, {"decision": "approve"})

    assert shown["title"] == "Plan"
    assert "(retriever)" in shown["asked"]
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
def test_what_nobody_could_approve_is_refused(product: Product, options: dict[str, Any], field: str) -> None:
    body = {"goal": GOAL, "user": "bob@example.com", "options": options}

    status, problem = product.call("POST", "/api/goals", body)

    assert (status, problem["errors"][0]["field"]) == (400, field)
