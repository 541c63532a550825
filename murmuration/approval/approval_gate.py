"""The workflow of a gate: ask one panel after the other, until votes decide or time runs out.

Replayed from history after every step: it may read only its input, the flow, and the results of steps.
"""

from murmuration.approval.collect_votes import collect_votes
from murmuration.approval.gate_state import GateState
from murmuration.contracts.approvals import ApprovalGate, Decision
from murmuration.durable.registry import workflow
from murmuration.durable.workflow import Flow
from murmuration.policy.gates import UnreachableQuorum, check_reachable, panels_of


@workflow
async def approval_gate(flow: Flow, gate: ApprovalGate) -> Decision:
    """Decide a gate: by votes, or when the time of its last panel is over."""
    state = GateState(flow, gate)
    rules, requester = gate.request.rules, gate.request.requester
    try:
        check_reachable(rules, requester)
    except UnreachableQuorum:
        return state.decide("rejected", "unreachable_quorum")
    for number, panel in enumerate(panels_of(rules, requester)):
        await collect_votes(state, number, panel)
        if state.decision is not None:
            return state.decision
        if rules.on_expiry != "escalate":
            break
    return state.decide("approved" if rules.on_expiry == "approve" else "rejected", "expired")
