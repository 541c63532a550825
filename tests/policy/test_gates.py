"""Rules that can't be met are refused before anybody is asked, with the field and the value."""

import json
import re
from typing import Any

import pytest
from pydantic import ValidationError

from murmuration.contracts.approvals import ApprovalRules, VoteRequest
from murmuration.contracts.content import Content, Reference
from murmuration.policy.gates import UnreachableQuorum, check_reachable, event_name, hash_of, panels_of

ALICE, BOB = "alice@example.com", "bob@example.com"


def read(body: dict[str, Any]) -> ApprovalRules:
    """Parse it as the HTTP API does."""
    return ApprovalRules.model_validate_json(json.dumps(body), strict=True, extra="forbid")


def rules(*approvers: str, quorum: int = 1, **more: Any) -> ApprovalRules:
    panel = {"approvers": list(approvers), "quorum": quorum}
    return read({"panels": [panel], **more})


@pytest.mark.parametrize(
    ("given", "requester"),
    [
        (rules(ALICE, quorum=2), BOB),
        (rules(ALICE, BOB, quorum=2), ALICE),
        (rules(ALICE), "ALICE@example.com "),
        (rules(ALICE, "Alice@Example.com", quorum=2), BOB),
    ],
)
def test_a_quorum_that_cannot_be_reached_is_refused(given: ApprovalRules, requester: str) -> None:
    quorum = given.panels[0].quorum

    with pytest.raises(
        UnreachableQuorum, match=rf"panels\.0\.quorum is {quorum}, but 1 of|panels\.0\.quorum is 1, but 0"
    ):
        check_reachable(given, requester)


def test_a_requester_who_is_not_barred_counts() -> None:
    check_reachable(rules(ALICE, BOB, quorum=2, bar_requester=False), ALICE)


def test_two_spellings_are_one_approver() -> None:
    given = rules(ALICE, " ALICE@EXAMPLE.COM")

    assert panels_of(given, BOB)[0].approvers == (ALICE,)


@pytest.mark.parametrize(
    "approver",
    ["alice", "alice@", "@example.com", "a b@example.com", "alice@example.com\nBcc: eve@example.com", "ä@example.com",
     "alice@example.com,eve@example.com", "<alice@example.com>", "a" * 120 + "@example.com", "",
     ".a@example.com", "a..b@example.com", "a@-b.example", "a@example..com"],
)  # fmt: skip
def test_an_approver_is_one_address_and_nothing_else(approver: str) -> None:
    with pytest.raises(ValidationError, match=re.compile(r"panels\.0\.approvers\.0")):
        rules(approver)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("panels", []),
        ("timeout_seconds", 0),
        ("timeout_seconds", "3"),
        ("remind_after", 0),
        ("remind_after", 1.5),
        ("on_expiry", "ignore"),
        ("bar_requester", "yes"),
        ("unknown", 1),
    ],
)
def test_a_rule_that_is_no_rule_is_refused(field: str, value: Any) -> None:
    with pytest.raises(ValidationError, match=field):
        read({"panels": [{"approvers": [ALICE]}], field: value})


def test_the_name_of_an_artifact_is_the_hash_of_what_it_holds() -> None:
    text = Content(text="Publish?")
    stored = Content(reference=Reference(artifact=f"0123456789abcdef/{hash_of(text)}", bytes=8))

    assert hash_of(stored) == hash_of(text)
    assert len(hash_of(text)) == 64


def test_no_two_waits_of_a_gate_share_an_event() -> None:
    names = [event_name(panel, place, wait) for panel in range(5) for place in range(20) for wait in range(12)]

    assert len({name.casefold() for name in names}) == len(names)


def test_a_wish_for_a_revision_says_what_to_change() -> None:
    assert VoteRequest(decision="revise", comment=" shorter ").comment == "shorter"
    assert VoteRequest(decision="reject").comment == ""
    for comment in ("", "  "):
        with pytest.raises(ValidationError, match="comment"):
            VoteRequest(decision="revise", comment=comment)
    with pytest.raises(ValidationError, match="comment"):
        VoteRequest.model_validate({"decision": "revise"})
