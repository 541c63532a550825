"""A gate in simulated time, with scripted notifications and votes that are signed as the app signs them."""

import itertools
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from murmuration.approval.approval_gate import approval_gate
from murmuration.contracts.approvals import (
    ApprovalGate,
    ApprovalRequest,
    ApprovalRules,
    Decision,
    Notified,
    Panel,
    VerificationResult,
    Vote,
)
from murmuration.contracts.content import Content
from murmuration.contracts.runs import Caller
from murmuration.contracts.steps import Done, Failed, Later
from murmuration.policy.gates import event_name, hash_of
from murmuration.policy.links import is_genuine, sign_vote
from simulation.records import EPOCH
from simulation.scripted import Trace, simulate

SECRET = "a secret of the tests, long enough"  # noqa: S105
ALICE, BOB, CAROL, DAVE = (f"{name}@example.com" for name in ("alice", "bob", "carol", "dave"))
DAY = 86_400
CONTENT = Content(text="Publish the report?")
Event = tuple[float, str, Any]
"""(seconds since the start, name, value)."""
_VOTE_NUMBERS = itertools.count()


def rules(*panels: Panel, **changes: Any) -> ApprovalRules:
    """Make rules; without panels, Alice, Bob and Carol are one."""
    chosen = panels or (Panel(approvers=(ALICE, BOB, CAROL)),)
    return ApprovalRules.model_validate({"panels": [panel.model_dump() for panel in chosen], **changes})


@dataclass
class GateSteps:
    """The two steps of a gate: `notify_approvers` as scripted, and `verify_vote` with the app's own check."""

    channels: tuple[str, ...] = ("mail",)
    failure: str | None = None
    """The code with which every notification fails; `later`: the mail server is not available."""
    verifying_seconds: float = 0.0
    sent: list[tuple[str, str, tuple[str, ...]]] = field(default_factory=list)
    """(kind, channel, approvers) of each notification."""

    def __call__(self, name: str, message: Any) -> tuple[float, Any]:
        value = message["value"]
        if name == "verify_vote":
            result = VerificationResult(valid=is_genuine(SECRET, Vote.model_validate(value["vote"])))
            return self.verifying_seconds, Done(value=result.model_dump()).model_dump(mode="json")
        if value["channel"] not in self.channels:
            return 0, Done(value=Notified(configured=False).model_dump(mode="json")).model_dump(mode="json")
        if self.failure == "later":
            return 1, Later(code="mail_unavailable").model_dump(mode="json")
        if self.failure:
            return 1, Failed(code=self.failure, message="no").model_dump(mode="json")
        self.sent.append((value["kind"], value["channel"], tuple(value["approvers"])))
        return 1, Done(value=Notified(sent=value["approvers"]).model_dump(mode="json")).model_dump(mode="json")


def vote(at: float, approver: str, choice: str, **changes: Any) -> dict[str, Any]:
    """Make a signed vote, with `changes` of its fields."""
    fields = {
        "gate": "run-1",
        "panel": 0,
        "content_hash": hash_of(CONTENT),
        "approver": approver,
        "choice": choice,
        "comment": "",
        "id": f"v{next(_VOTE_NUMBERS)}",
        "at": EPOCH + timedelta(seconds=at),
        "signature": "",
    }
    return sign_vote(SECRET, Vote.model_validate({**fields, **changes})).model_dump(mode="json")


def event(at: float, index: int, value: Any, *, panel: int = 0, wait: int = 0) -> Event:
    """Make the event for which the gate waits from the approver at `index` of its panel."""
    return at, event_name(panel, index, wait), value


def run_gate(
    gate_rules: ApprovalRules,
    *events: Event,
    requester: str = "someone",
    steps: GateSteps | None = None,
    may_revise: bool = True,
) -> tuple[Decision, Trace]:
    """Run a gate to its end while the events come in."""
    request = ApprovalRequest(
        title="The report", content=CONTENT, requester=requester, rules=gate_rules, may_revise=may_revise
    )
    gate = ApprovalGate(caller=Caller(tenant="t"), run="run-1", id="run-1", request=request)
    trace = simulate(approval_gate, gate.model_dump(mode="json"), steps or GateSteps(), events=events)
    assert trace.error is None, trace.error
    return Decision.model_validate(trace.output), trace
