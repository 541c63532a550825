"""The rules of a gate: impossible ones are refused, events are read as votes, and votes decide."""

import hashlib
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from murmuration.contracts.approvals import ApprovalGate, ApprovalRequest, ApprovalRules, Panel, Vote, VoteRequest
from murmuration.contracts.content import Content, Reference
from murmuration.contracts.runs import Caller
from murmuration.policy.gates import (
    GATE_WORKFLOW,
    InvalidVote,
    UnreachableQuorum,
    check_reachable,
    event_name,
    gate_id,
    hash_of,
    panels_of,
    read_vote,
    tally,
)

ALICE, BOB, CAROL = (f"{name}@example.com" for name in ("alice", "bob", "carol"))
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
CONTENT = Content(text="Publish?")


def read(body: dict[str, Any]) -> ApprovalRules:
    """Parse rules as the HTTP API does."""
    return ApprovalRules.model_validate_json(json.dumps(body), strict=True, extra="forbid")


def rules(*approvers: str, quorum: int = 1, **more: Any) -> ApprovalRules:
    panel = {"approvers": list(approvers), "quorum": quorum}
    return read({"panels": [panel], **more})


GATE = ApprovalGate(
    caller=Caller(tenant="t"),
    run="run-1",
    id="run-1-gate-1",
    request=ApprovalRequest(title="Notes", content=CONTENT, requester="carol", rules=rules(ALICE, BOB)),
)


def vote(approver: str = ALICE, choice: str = "approve", **changes: Any) -> Vote:
    fields = {"gate": GATE.id, "panel": 0, "content_hash": hash_of(CONTENT), "approver": approver, "choice": choice}
    return Vote.model_validate({**fields, "id": "1", "at": NOON, "signature": "s", **changes})


@pytest.mark.parametrize(
    ("impossible", "requester", "message"),
    [
        (
            rules(ALICE, quorum=2),
            BOB,
            "panels.0.quorum is 2, but 1 of 'alice@example.com' may approve without the requester, who is barred",
        ),
        (
            rules(ALICE, BOB, quorum=2),
            ALICE,
            "panels.0.quorum is 2, but 1 of 'alice@example.com, bob@example.com' may approve without the requester, "
            "who is barred",
        ),
        (
            rules(ALICE, quorum=2, bar_requester=False),
            ALICE,
            "panels.0.quorum is 2, but 1 of 'alice@example.com' may approve",
        ),
        (
            rules(ALICE),
            "ALICE@example.com ",
            "panels.0.quorum is 1, but 0 of 'alice@example.com' may approve without the requester, who is barred",
        ),
        (
            rules(ALICE, "Alice@Example.com", quorum=2),
            BOB,
            "panels.0.quorum is 2, but 1 of 'alice@example.com, alice@example.com' may approve without the requester, "
            "who is barred",
        ),
    ],
)
def test_a_quorum_that_cannot_be_reached_is_refused(impossible: ApprovalRules, requester: str, message: str) -> None:
    with pytest.raises(UnreachableQuorum) as refused:
        check_reachable(impossible, requester)

    assert str(refused.value) == message


def test_every_panel_must_reach_its_quorum() -> None:
    panels = [{"approvers": [ALICE]}, {"approvers": [BOB], "quorum": 2}]

    with pytest.raises(UnreachableQuorum, match=r"^panels\.1\.quorum is 2, but 1 of 'bob@example.com'"):
        check_reachable(read({"panels": panels}), CAROL)


def test_a_requester_who_is_not_barred_counts() -> None:
    check_reachable(rules(ALICE, BOB, quorum=2, bar_requester=False), ALICE)


def test_the_requester_is_taken_off_every_panel() -> None:
    panels = read({"panels": [{"approvers": [ALICE, BOB]}, {"approvers": [CAROL, ALICE], "quorum": 2}]})

    assert panels_of(panels, f" {ALICE.upper()} ") == (
        Panel(approvers=(BOB,)),
        Panel(approvers=(CAROL,), quorum=2),
    )


def test_two_spellings_are_one_approver() -> None:
    assert panels_of(rules(ALICE, " ALICE@EXAMPLE.COM"), BOB)[0].approvers == (ALICE,)


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
def test_a_malformed_rule_is_refused(field: str, value: Any) -> None:
    with pytest.raises(ValidationError, match=field):
        read({"panels": [{"approvers": [ALICE]}], field: value})


def test_the_name_of_an_artifact_ends_with_the_hash_of_its_text() -> None:
    stored = Content(reference=Reference(artifact=f"0123456789abcdef/runs/r/{hash_of(CONTENT)}", bytes=8))

    assert hash_of(CONTENT) == hashlib.sha256(b"Publish?").hexdigest()
    assert hash_of(stored) == hash_of(CONTENT)
    assert hash_of(Content()) == hashlib.sha256(b"").hexdigest()


def test_gates_of_a_run_are_numbered_instances() -> None:
    assert (GATE_WORKFLOW, gate_id("run-1", 2)) == ("approval_gate", "run-1-gate-2")


def test_no_two_waits_of_a_gate_share_an_event() -> None:
    names = [event_name(panel, approver, wait) for panel in range(5) for approver in range(20) for wait in range(12)]

    assert len({name.casefold() for name in names}) == len(names)
    assert event_name(1, 2, 3) == "vote-1-2-3"


@pytest.mark.parametrize("as_text", [True, False])
def test_an_event_is_read_as_a_vote(as_text: bool) -> None:
    signed = vote(at=NOON - timedelta(seconds=1))
    event = signed.model_dump_json() if as_text else signed.model_dump(mode="json")

    assert read_vote(event, GATE, 0, ALICE, NOON) == signed


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ("approve", "malformed"),
        ("[" * 100_000, "malformed"),
        (None, "malformed"),
        ({"choice": "approve"}, "malformed"),
        (vote(gate="run-2-gate-1").model_dump(), "for_another_gate"),
        (vote(panel=1).model_dump(), "for_another_gate"),
        (vote(content_hash="0" * 64).model_dump(), "for_other_content"),
        (vote(BOB).model_dump(), "by_someone_else"),
        (vote(at=NOON).model_dump(), "late"),
    ],
)
def test_another_event_is_no_vote(event: Any, reason: str) -> None:
    with pytest.raises(InvalidVote) as refused:
        read_vote(event, GATE, 0, ALICE, NOON)

    assert str(refused.value) == reason


@pytest.mark.parametrize("choice", ["approve", "reject", "revise"])
def test_a_wish_is_no_vote_where_no_revision_can_be_made(choice: str) -> None:
    last = GATE.model_copy(update={"request": GATE.request.model_copy(update={"may_revise": False})})
    in_time = vote(choice=choice, at=NOON - timedelta(seconds=1))

    assert read_vote(in_time.model_dump(mode="json"), GATE, 0, ALICE, NOON) == in_time
    if choice in last.request.choices:
        assert read_vote(in_time.model_dump(mode="json"), last, 0, ALICE, NOON) == in_time
    else:
        with pytest.raises(InvalidVote, match="not_offered"):
            read_vote(in_time.model_dump(mode="json"), last, 0, ALICE, NOON)


def test_a_quorum_of_different_approvers_approves() -> None:
    panel = Panel(approvers=(ALICE, BOB, CAROL), quorum=2)
    alice, bob = vote(ALICE), vote(BOB)

    assert tally(panel, ()) is None
    assert tally(panel, (alice,)) is None
    assert tally(panel, (alice, vote(ALICE, id="2"))) is None
    assert tally(panel, (alice, bob)) == ("approved", (alice, bob))


@pytest.mark.parametrize(("choice", "resolution"), [("reject", "rejected"), ("revise", "revise")])
def test_one_other_answer_decides_alone(choice: str, resolution: str) -> None:
    panel = Panel(approvers=(ALICE, BOB, CAROL), quorum=2)
    other = vote(CAROL, choice, comment="shorter")

    assert tally(panel, (other,)) == (resolution, (other,))
    assert tally(panel, (vote(ALICE), other, vote(BOB))) == (resolution, (other,))


def test_a_wish_for_a_revision_says_what_to_change() -> None:
    assert VoteRequest(decision="revise", comment=" shorter ").comment == "shorter"
    assert VoteRequest(decision="reject").comment == ""
    for comment in ("", "  "):
        with pytest.raises(ValidationError, match="comment"):
            VoteRequest(decision="revise", comment=comment)
    with pytest.raises(ValidationError, match="comment"):
        VoteRequest.model_validate({"decision": "revise"})
