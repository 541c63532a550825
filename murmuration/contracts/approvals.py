"""Approval by people: the rules, the request, votes, notifications, and the decision of a gate."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, Field, StringConstraints, ValidationInfo, field_validator

from murmuration.contracts.base import Contract
from murmuration.contracts.content import Content
from murmuration.contracts.runs import RunInput

Choice = Literal["approve", "reject", "revise"]
Resolution = Literal["approved", "rejected", "revise"]
GateStage = Literal["open", "approved", "rejected", "revise"]
OnExpiry = Literal["reject", "approve", "escalate"]
Channel = Literal["mail", "webhook"]
CHANNELS: tuple[Channel, ...] = ("mail", "webhook")
MAX_COMMENT_CHARACTERS = 2_000
MAX_APPROVERS = 20
MAX_PANELS = 5

_ATOM = r"[a-zA-Z0-9!#$%&'*+/=?^_{|}~-]+"
_LABEL = "[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?"
_ADDRESS = rf"{_ATOM}(\.{_ATOM})*@{_LABEL}(\.{_LABEL})*"


def _is_address(text: str) -> str:
    """Check the pattern here: a constraint would compile it anew for every contract at each start."""
    if not re.fullmatch(_ADDRESS, text):
        raise ValueError("is not an e-mail address in ASCII")
    return text


Address = Annotated[
    str,
    StringConstraints(strip_whitespace=True, to_lower=True, max_length=128),
    AfterValidator(_is_address),
    Field(json_schema_extra={"pattern": f"^{_ADDRESS}$"}),
]
"""An e-mail address in ASCII, in lower case: two spellings of one approver are one approver.

At most 128 characters: the status of a panel of 20 stays below the 16 KB that Durable allows.
"""


class Panel(Contract):
    """The approvers who are asked together."""

    approvers: Annotated[tuple[Address, ...], Field(min_length=1, max_length=MAX_APPROVERS)]
    quorum: Annotated[int, Field(ge=1, le=MAX_APPROVERS)] = 1
    """How many of them have to approve. One who rejects, or asks for a revision, decides alone."""


class ApprovalRules(Contract):
    """The rules of an approval: who decides, and how long they have."""

    panels: Annotated[tuple[Panel, ...], Field(min_length=1, max_length=MAX_PANELS)]
    """The first panel is asked at once; each of the others if the one before has run out of time (`on_expiry`)."""
    timeout_seconds: Annotated[int, Field(ge=1, le=7_776_000)] = 259_200
    """The time of each panel."""
    remind_after: Annotated[float, Field(gt=0, le=1)] = 0.5
    """The part of the time after which approvers who have not answered are reminded; 1: never."""
    on_expiry: OnExpiry = "reject"
    """The meaning of silence. `escalate` asks the next panel, and rejects when there is none."""
    bar_requester: bool = True
    """Whether the requester may not approve."""


class ApprovalRequest(Contract):
    """The content that a run needs approved, and the rules."""

    title: Annotated[str, Field(max_length=200)]
    """The kind of content in one line, for the subject of a message."""
    content: Content
    """The content to approve, word for word."""
    details: Annotated[str, Field(max_length=8_000)] = ""
    """Details that help to decide and are not decided on: the goal, the sources."""
    requester: str
    """The person for whom the run works, by name: approvers read it, and `bar_requester` means this person."""
    rules: ApprovalRules
    may_revise: bool = True
    """Whether approvers may ask for a revision: only where the run can still make one and show it to them."""

    @property
    def choices(self) -> tuple[Choice, ...]:
        """The answers that approvers may give."""
        return ("approve", "reject", "revise") if self.may_revise else ("approve", "reject")


class ApprovalGate(RunInput):
    """The input of `approval_gate`."""

    run: str
    id: str
    """The gate's name, and the instance id of its workflow."""
    request: ApprovalRequest


class Vote(Contract):
    """One approver's answer, as the external event that carries it. Only the app can sign it."""

    gate: str
    panel: int
    """The panel's number, from 0."""
    content_hash: str
    """The SHA-256 of the content that was decided on."""
    approver: str
    choice: Choice
    comment: Annotated[str, Field(max_length=MAX_COMMENT_CHARACTERS)] = ""
    id: str
    at: AwareDatetime
    """The time at which it came in, by the app's clock."""
    signature: str
    """The signature of all other fields: without the secret nobody can make or change a vote."""


class SignedVote(Contract):
    """The input of `verify_vote`."""

    vote: Vote


class VerificationResult(Contract):
    """The result of `verify_vote`."""

    valid: bool


class Notification(Contract):
    """The input of `notify_approvers`: a message over one channel to approvers who have not answered."""

    gate: str
    run: str
    title: str
    requester: str
    content_hash: str
    """The SHA-256 of the content to approve."""
    panel: int
    approvers: tuple[str, ...]
    kind: Literal["request", "reminder"]
    expires: AwareDatetime
    """The end of the panel's time, and of the links."""
    channel: Channel


class Notified(Contract):
    """The result of `notify_approvers`."""

    configured: bool = True
    """Whether the app has this channel."""
    sent: tuple[str, ...] = ()
    """Approvers whose message was handed over."""
    refused: tuple[str, ...] = ()
    """Approvers whose addresses the mail server does not take."""


class Counted(Contract):
    """A vote that counts."""

    id: str
    by: str
    choice: Choice
    at: AwareDatetime


class GateStatus(Contract):
    """The custom status of a gate, from which the HTTP API answers."""

    state: GateStage = "open"
    panel: int = 0
    expires: AwareDatetime
    """The end of this panel's time."""
    approvers: tuple[str, ...] = ()
    """The approvers of this panel, without a requester who is barred."""
    quorum: int = 1
    waits: tuple[int, ...] = ()
    """For each approver the number of the event for which the gate waits."""
    votes: tuple[Counted, ...] = ()
    """The votes of this panel."""
    by: tuple[str, ...] = ()
    """The approvers whose votes decided; empty when time did."""
    at: AwareDatetime | None = None
    """The time of the decision."""


AuditEvent = Literal[
    "opened", "notified", "not_notified", "reminded", "not_reminded", "voted", "ignored", "expired", "decided"
]


class AuditEntry(Contract):
    """An event in the life of a gate."""

    at: AwareDatetime
    """By the workflow's clock."""
    gate: str
    event: AuditEvent
    who: tuple[str, ...] = ()
    detail: str = ""
    """A code or a few words; for a vote the choice."""
    comment: str = ""


class Decision(Contract):
    """The result of `approval_gate`; it never changes."""

    gate: str
    content_hash: str
    """The SHA-256 of the content that was decided on."""
    state: Resolution
    how: Literal["votes", "expired", "unreachable_quorum", "gate_broke"]
    """`gate_broke`: the gate's workflow failed or was stopped, which rejects."""
    by: tuple[str, ...] = ()
    at: AwareDatetime
    comment: str = ""
    """The comment of the approver who rejected or asked for a revision: the reviser reads it."""
    audit: tuple[AuditEntry, ...] = ()
    unlisted: int = 0
    """How many ignored events are missing from `audit`, which has the first few alone."""


class VoteRequest(Contract):
    """The body of `POST /api/approvals/{link}`, as JSON or as a form."""

    decision: Choice
    comment: Annotated[str, StringConstraints(strip_whitespace=True, max_length=MAX_COMMENT_CHARACTERS)] = Field(
        default="", validate_default=True
    )
    """The changes to make; required for `revise`."""

    @field_validator("comment")
    @classmethod
    def _says_what_to_change(cls, comment: str, info: ValidationInfo) -> str:
        if info.data.get("decision") == "revise" and not comment:
            raise ValueError("is needed to revise: say what to change")
        return comment
