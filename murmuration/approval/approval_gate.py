"""Keep a gate: ask one panel after the other, until votes decide or time does.

Replayed from history after every step: it may read only its input, the context, and what steps return.
"""

from collections.abc import Generator
from typing import Any

from murmuration.approval.collect_votes import ask_panel
from murmuration.approval.gate_state import OpenGate
from murmuration.contracts.approvals import Decision, Gate
from murmuration.durable.flow import Context, Strand, conduct
from murmuration.policy.gates import UnreachableQuorum, check_reachable, panels_of


def keep_gate(context: Context) -> Generator[Any, Any, dict[str, Any]]:
    """Takes a `Gate`, returns a `Decision`, both as JSON."""
    decision = yield from conduct(context, _keep(OpenGate(context, Gate.model_validate(context.get_input()))))
    return decision.model_dump(mode="json")


def _keep(gate: OpenGate) -> Strand[Decision]:
    rules, requester = gate.gate.request.rules, gate.gate.request.requester
    try:
        check_reachable(rules, requester)
    except UnreachableQuorum:
        return gate.decide("rejected", "unreachable_quorum")
    for number, panel in enumerate(panels_of(rules, requester)):
        yield from ask_panel(gate, number, panel)
        if gate.decision is not None:
            return gate.decision
        if rules.on_expiry != "escalate":
            break
    return gate.decide("approved" if rules.on_expiry == "approve" else "rejected", "expired")
