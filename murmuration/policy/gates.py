"""The rules of a gate: who may decide, what an event means, and when it is decided."""

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from murmuration.contracts.approvals import ApprovalGate, ApprovalRules, Panel, Resolution, Vote
from murmuration.contracts.content import Content


class UnreachableQuorum(ValueError):
    """A panel can't reach its quorum; the message names the field and quotes the value."""


class InvalidVote(Exception):
    """An event that is no answer to what was asked; the message is a short reason without content."""


def gate_id(run: str, number: int) -> str:
    """The instance id of the gate `number` of a run, counted from 1. It begins as the run's does: with its tenant."""
    return f"{run}-gate-{number}"


def event_name(panel: int, approver: int, wait: int) -> str:
    """The external event for one wait. No two waits share one: the SDK would let one event end both."""
    return f"vote-{panel}-{approver}-{wait}"


def hash_of(content: Content) -> str:
    """The SHA-256 of the text, in hexadecimal. An artifact is named by it."""
    if content.reference is not None:
        return content.reference.artifact.rpartition("/")[2]
    return hashlib.sha256((content.text or "").encode()).hexdigest()


def panels_of(rules: ApprovalRules, requester: str) -> tuple[Panel, ...]:
    """The panels as they are asked: every approver once, without the requester if they are barred."""
    barred = {requester.strip().lower()} if rules.bar_requester else set()
    return tuple(
        panel.model_copy(
            update={"approvers": tuple(fromkey for fromkey in dict.fromkeys(panel.approvers) if fromkey not in barred)}
        )
        for panel in rules.panels
    )


def check_reachable(rules: ApprovalRules, requester: str) -> None:
    """Raises `UnreachableQuorum` for the first panel which has fewer approvers than have to approve."""
    for number, panel in enumerate(panels_of(rules, requester)):
        if panel.quorum > len(panel.approvers):
            given = ", ".join(rules.panels[number].approvers)
            barred = " without the requester, who is barred" if rules.bar_requester else ""
            raise UnreachableQuorum(
                f"panels.{number}.quorum is {panel.quorum}, but {len(panel.approvers)} of {given!r} may approve{barred}"
            )


def read_vote(event: Any, gate: ApprovalGate, panel: int, approver: str, expires: datetime) -> Vote:
    """The event as this approver's vote in this panel of this gate, not yet verified; raises `InvalidVote`.

    The SDK's client delivers a JSON text, a POST to Durable's own URL the value.
    """
    try:
        vote = Vote.model_validate(json.loads(event) if isinstance(event, str) else event)
    except (ValueError, RecursionError):
        raise InvalidVote("malformed") from None
    if (vote.gate, vote.panel) != (gate.id, panel):
        raise InvalidVote("for_another_gate")
    if vote.asked != hash_of(gate.request.asked):
        raise InvalidVote("for_other_content")
    if vote.approver != approver:
        raise InvalidVote("by_someone_else")
    if vote.at >= expires:
        raise InvalidVote("late")
    return vote


def tally(panel: Panel, votes: Sequence[Vote]) -> tuple[Resolution, tuple[Vote, ...]] | None:
    """What the votes decide and whose they are, None while they don't: a quorum approves, any one else stops."""
    for vote in votes:
        if vote.choice != "approve":
            return ("rejected" if vote.choice == "reject" else "revise"), (vote,)
    if len({vote.approver for vote in votes}) >= panel.quorum:
        return "approved", tuple(votes)
    return None
