"""The paths of `approval_gate`: who votes when, and what happens when nobody does."""

from collections.abc import Callable
from typing import Any

from murmuration.contracts.approvals import ApprovalRules, Panel
from simulation.scripted import Trace
from tests.approval.scripted_gates import (
    ALICE,
    BOB,
    CAROL,
    DAVE,
    DAY,
    Event,
    GateSteps,
    event,
    rules,
    run_gate,
    vote,
)


def run(
    gate_rules: ApprovalRules, *events: Event, steps: Callable[[], GateSteps] = GateSteps, **request: Any
) -> Callable[[], Trace]:
    return lambda: run_gate(gate_rules, *events, steps=steps(), **request)[1]


def votes(at: float, seat: int, approver: str, choice: str, *, panel: int = 0, wait: int = 0, **changed: Any) -> Event:
    """A vote whose id tells when and where it was cast, so that a recording comes out the same each time."""
    name = f"v-{at:.0f}-{seat}-{wait}"
    return event(at, seat, vote(at, approver, choice, panel=panel, id=name, **changed), panel=panel, wait=wait)


TWO_OF_THREE = rules(Panel(approvers=(ALICE, BOB, CAROL), quorum=2))
TWO_PANELS = rules(Panel(approvers=(ALICE,)), Panel(approvers=(BOB, CAROL)), on_expiry="escalate", timeout_seconds=DAY)
UNREACHABLE = rules(Panel(approvers=(ALICE,)))

GATES: dict[str, Callable[[], Trace]] = {
    "approved": run(rules(), votes(60, 1, BOB, "approve")),
    "approved_by_a_quorum": run(TWO_OF_THREE, votes(10, 0, ALICE, "approve"), votes(20, 2, CAROL, "approve")),
    "rejected": run(TWO_OF_THREE, votes(10, 0, ALICE, "approve"), votes(20, 1, BOB, "reject", comment="no")),
    "revised": run(rules(), votes(20, 1, BOB, "revise", comment="name a source")),
    "revision_not_offered": run(
        rules(), votes(20, 1, BOB, "revise", comment="shorter"), votes(30, 1, BOB, "approve", wait=1), may_revise=False
    ),
    "reminded_and_approved": run(
        rules(), votes(2 * DAY, 0, ALICE, "approve"), steps=lambda: GateSteps(("mail", "webhook"))
    ),
    "never_reminded": run(rules(remind_after=1, timeout_seconds=DAY)),
    "expired": run(rules()),
    "expired_and_approved": run(rules(on_expiry="approve", timeout_seconds=DAY)),
    "escalated_and_approved": run(TWO_PANELS, votes(DAY + 10, 1, CAROL, "approve", panel=1)),
    "escalated_and_expired": run(TWO_PANELS),
    "thirty_days": run(rules(timeout_seconds=30 * DAY), votes(29 * DAY, 0, ALICE, "approve")),
    "unreachable_quorum": run(UNREACHABLE, requester=ALICE),
    "ignored": run(
        TWO_OF_THREE,
        event(5, 0, "junk"),
        votes(6, 0, ALICE, "approve", wait=1, gate="run-2"),
        votes(7, 0, ALICE, "approve", wait=2, content_hash="0" * 64),
        votes(8, 0, DAVE, "approve", wait=3),
        event(9, 1, {**vote(9, BOB, "approve", id="v-9"), "signature": "x"}),
        votes(10, 2, CAROL, "approve"),
        votes(11, 2, CAROL, "approve", wait=1),
        votes(4 * DAY, 0, ALICE, "approve", wait=4),
    ),
    "verified_after_the_time": run(
        rules(timeout_seconds=DAY), votes(DAY - 1, 0, ALICE, "approve"), steps=lambda: GateSteps(verifying_seconds=5)
    ),
    "channel_refuses": run(rules(), votes(60, 0, ALICE, "approve"), steps=lambda: GateSteps(failure="mail_refused")),
    "channel_down": run(rules(), votes(DAY, 0, ALICE, "approve"), steps=lambda: GateSteps(failure="later")),
}

PATHS = {"approval_gate": GATES}
