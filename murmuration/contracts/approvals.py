"""Approval by people: what is asked of whom, what they answer, and what a gate decided."""

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
    """Checked here and not by a constraint, which would compile the pattern anew for every contract, at each start."""
    if not re.fullmatch(_ADDRESS, text):
        raise ValueError("is no e-mail address in ASCII")
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
    """Those who are asked at one time."""

    approvers: Annotated[tuple[Address, ...], Field(min_length=1, max_length=MAX_APPROVERS)]
    quorum: Annotated[int, Field(ge=1, le=MAX_APPROVERS)] = 1
    """How many of them have to approve. One who rejects or asks for a revision decides alone."""


class ApprovalRules(Contract):
    """Who decides, and how long they have."""

    panels: Annotated[tuple[Panel, ...], Field(min_length=1, max_length=MAX_PANELS)]
    """The first is asked; each of the others when the time of the one before is over, if `on_expiry` is `escalate`."""
    timeout_seconds: Annotated[int, Field(ge=1, le=7_776_000)] = 259_200
    """For each panel."""
    remind_after: Annotated[float, Field(gt=0, le=1)] = 0.5
    """The part of the time after which those who have not answered are reminded; 1 is never."""
    on_expiry: OnExpiry = "reject"
    """What silence means. `escalate` asks the next panel, and rejects when there is none."""
    bar_requester: bool = True
    """Whoever asks may not approve."""


class ApprovalRequest(Contract):
    """What a run wants to have approved."""

    title: Annotated[str, Field(max_length=200)]
    """One line: what kind of thing it is, for the subject of a message. What it says is in `asked`."""
    asked: Content
    """What is to be approved, word for word."""
    about: Annotated[str, Field(max_length=8_000)] = ""
    """What helps to decide and is not decided on: the goal, the sources."""
    requester: str
    """Who wants it; from the caller's identity, never from the request body."""
    rules: ApprovalRules


class ApprovalGate(RunInput):
    """The input of `approval_gate`."""

    run: str
    id: str
    """Of the gate, and the instance id of its orchestration."""
    request: ApprovalRequest


class Vote(Contract):
    """One approver's answer, as the event that carries it. Only the app can make its seal."""

    gate: str
    panel: int
    """From 0."""
    asked: str
    """The SHA-256 of what is answered."""
    approver: str
    choice: Choice
    comment: Annotated[str, Field(max_length=MAX_COMMENT_CHARACTERS)] = ""
    id: str
    at: AwareDatetime
    """When it came in, by the clock of the app."""
    signature: str
    """Of all the other fields: without the secret nobody can make or change a vote."""


class SignedVote(Contract):
    """A vote whose seal is to be checked."""

    vote: Vote


class VerificationResult(Contract):
    valid: bool


class Notification(Contract):
    """What one channel is to tell those who have not answered."""

    gate: str
    run: str
    title: str
    requester: str
    asked: str
    """The SHA-256 of what is to be approved."""
    panel: int
    approvers: tuple[str, ...]
    kind: Literal["asked", "reminder"]
    expires: AwareDatetime
    """When the panel's time is over, and the links with it."""
    channel: Channel


class Notified(Contract):
    configured: bool = True
    """False: there is no such channel."""
    sent: tuple[str, ...] = ()
    """The approvers to whom the message was handed over."""
    refused: tuple[str, ...] = ()
    """The approvers whose addresses the mail server does not take."""


class Counted(Contract):
    """A vote that counts, as the gate's status shows it."""

    id: str
    by: str
    choice: Choice
    at: AwareDatetime


class GateStatus(Contract):
    """The custom status of a gate: what the door needs to know to answer for it."""

    state: GateStage = "open"
    panel: int = 0
    expires: AwareDatetime
    """When the time of this panel is over."""
    approvers: tuple[str, ...] = ()
    """Of this panel, without a requester who is barred."""
    quorum: int = 1
    waits: tuple[int, ...] = ()
    """For each of the approvers the number of the event that is waited for."""
    votes: tuple[Counted, ...] = ()
    """Of this panel."""
    by: tuple[str, ...] = ()
    """Whose votes decided; empty when time did."""
    at: AwareDatetime | None = None
    """When it was decided."""


AuditEvent = Literal[
    "opened", "notified", "not_notified", "reminded", "not_reminded", "voted", "ignored", "expired", "decided"
]


class AuditEntry(Contract):
    """Something that happened at a gate."""

    at: AwareDatetime
    """By the orchestration's clock."""
    gate: str
    event: AuditEvent
    who: tuple[str, ...] = ()
    detail: str = ""
    """A code or a few words; for a vote the choice."""
    comment: str = ""


class Decision(Contract):
    """What a gate decided. It does not change any more."""

    gate: str
    asked: str
    state: Resolution
    how: Literal["votes", "expired", "unreachable_quorum", "gate_broke"]
    """`gate_broke`: the gate's orchestration failed or was stopped; that rejects."""
    by: tuple[str, ...] = ()
    at: AwareDatetime
    comment: str = ""
    """Of who rejected, or asked for a revision: it goes into the next one."""
    audit: tuple[AuditEntry, ...] = ()
    unlisted: int = 0
    """Events that were ignored and are not in the audit list, which names the first few alone."""


class VoteRequest(Contract):
    """The body of `POST /api/approvals/{link}`, as JSON or as a form."""

    decision: Choice
    comment: Annotated[str, StringConstraints(strip_whitespace=True, max_length=MAX_COMMENT_CHARACTERS)] = Field(
        default="", validate_default=True
    )
    """Needed for `revise`: it says what is to be changed."""

    @field_validator("comment")
    @classmethod
    def _says_what_to_change(cls, comment: str, info: ValidationInfo) -> str:
        if info.data.get("decision") == "revise" and not comment:
            raise ValueError("is needed to revise: say what is to be changed")
        return comment
