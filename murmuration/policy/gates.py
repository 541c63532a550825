"""The rules of a gate: who may decide, how an event becomes a vote, and when the votes decide."""

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from murmuration.contracts.approvals import ApprovalGate, ApprovalRules, Panel, Resolution, Vote
from murmuration.contracts.content import Content

GATE_WORKFLOW = "approval_gate"
"""The name of the workflow that decides a gate."""


class UnreachableQuorum(ValueError):
    """A panel can't reach its quorum; the message names the field and quotes the value."""


class InvalidVote(Exception):
    """An event that does not count as a vote; the message is a short reason without content."""


def gate_id(run: str, number: int) -> str:
    """Make the instance id of a run's gate, counted from 1. Like the run's id, it begins with its tenant's key."""
    return f"{run}-gate-{number}"


def event_name(panel: int, approver: int, wait: int) -> str:
    """Name the external event for one wait. No two waits share a name: the SDK would let one event end both."""
    return f"vote-{panel}-{approver}-{wait}"


def hash_of(content: Content) -> str:
    """Return the SHA-256 of a text, in hexadecimal. An artifact's name ends with it."""
    if content.reference is not None:
        return content.reference.artifact.rpartition("/")[2]
    return hashlib.sha256((content.text or "").encode()).hexdigest()


def panels_of(rules: ApprovalRules, requester: str) -> tuple[Panel, ...]:
    """Return the panels to ask: every approver once, and without the requester if the rules bar them."""
    barred = {requester.strip().lower()} if rules.bar_requester else set()
    return tuple(
        panel.model_copy(
            update={"approvers": tuple(name for name in dict.fromkeys(panel.approvers) if name not in barred)}
        )
        for panel in rules.panels
    )


def check_reachable(rules: ApprovalRules, requester: str) -> None:
    """Raise `UnreachableQuorum` for the first panel that has fewer approvers than its quorum."""
    for number, panel in enumerate(panels_of(rules, requester)):
        if panel.quorum > len(panel.approvers):
            approvers = ", ".join(rules.panels[number].approvers)
            barred = " without the requester, who is barred" if rules.bar_requester else ""
            raise UnreachableQuorum(
                f"panels.{number}.quorum is {panel.quorum}, but {len(panel.approvers)} of {approvers!r} "
                f"may approve{barred}"
            )


def read_vote(event: Any, gate: ApprovalGate, panel: int, approver: str, expires: datetime) -> Vote:
    """Read an event as this approver's vote in this panel, not yet verified; raises `InvalidVote`.

    The SDK's client delivers JSON text, a POST to Durable's own URL the value itself.
    """
    try:
        vote = Vote.model_validate(json.loads(event) if isinstance(event, str) else event)
    except (ValueError, RecursionError):
        raise InvalidVote("malformed") from None
    if (vote.gate, vote.panel) != (gate.id, panel):
        raise InvalidVote("for_another_gate")
    if vote.content_hash != hash_of(gate.request.content):
        raise InvalidVote("for_other_content")
    if vote.approver != approver:
        raise InvalidVote("by_someone_else")
    if vote.choice not in gate.request.choices:
        raise InvalidVote("not_offered")
    if vote.at >= expires:
        raise InvalidVote("late")
    return vote


def tally(panel: Panel, votes: Sequence[Vote]) -> tuple[Resolution, tuple[Vote, ...]] | None:
    """Return what the votes decide, and the votes that do; None while they don't.

    A quorum is needed to approve. A single rejection or wish for a revision decides alone.
    """
    for vote in votes:
        if vote.choice != "approve":
            return ("rejected" if vote.choice == "reject" else "revise"), (vote,)
    if len({vote.approver for vote in votes}) >= panel.quorum:
        return "approved", tuple(votes)
    return None
