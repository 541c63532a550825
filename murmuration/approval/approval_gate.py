"""Keep a gate: ask one panel after the other, until votes decide or time does.

Replayed from history after every step: it may read only its input, the context, and what steps return.
"""

from murmuration.approval.collect_votes import collect_votes
from murmuration.approval.gate_state import GateState
from murmuration.contracts.approvals import ApprovalGate, Decision
from murmuration.durable.context import Context, read_input
from murmuration.durable.flow import Strand
from murmuration.durable.registry import workflow
from murmuration.policy.gates import UnreachableQuorum, check_reachable, panels_of


@workflow
def approval_gate(context: Context) -> Strand[Decision]:
    """Decide an `ApprovalGate`: by votes, or when the time of its last panel is over."""
    gate = GateState(context, read_input(context, ApprovalGate))
    rules, requester = gate.gate.request.rules, gate.gate.request.requester
    try:
        check_reachable(rules, requester)
    except UnreachableQuorum:
        return gate.decide("rejected", "unreachable_quorum")
    for number, panel in enumerate(panels_of(rules, requester)):
        yield from collect_votes(gate, number, panel)
        if gate.decision is not None:
            return gate.decision
        if rules.on_expiry != "escalate":
            break
    return gate.decide("approved" if rules.on_expiry == "approve" else "rejected", "expired")
