"""Seek approval: a gate of its own instance, kept by `approval_gate`, however long people take.

An instance of its own keeps the run's history short over weeks of waiting and reminding, gives each gate its own
events and status, and still answers who decided when the run is over.
"""

from dataclasses import dataclass

from pydantic import ValidationError

from murmuration.contracts.approvals import ApprovalGate, ApprovalRequest, Decision
from murmuration.contracts.runs import Caller
from murmuration.durable.context import Context, instance_id, now, workflow_version
from murmuration.durable.flow import Leaf, Strand, begin_orchestrator
from murmuration.policy.gates import gate_id, hash_of

KEEPER = "approval_gate"


@dataclass(frozen=True)
class PendingDecision:
    """A gate that was opened. Several strands may wait for it."""

    gate: ApprovalGate
    leaf: Leaf

    def decision(self, context: Context) -> Strand[Decision]:
        """Never raises: a gate that broke or was terminated has rejected."""
        while not self.leaf.is_completed:
            yield (self.leaf,)
        try:
            return Decision.model_validate(self.leaf.result)
        except ValidationError:
            at = now(context)
            asked = hash_of(self.gate.request.asked)
            return Decision(gate=self.gate.id, asked=asked, state="rejected", how="gate_broke", at=at)


def open_gate(context: Context, number: int, request: ApprovalRequest, caller: Caller) -> PendingDecision:
    """Ask. `number` counts the gates of the run, from 1 without gaps: a revision has a new one.

    The gate has the run's `caller` and version.
    """
    run = instance_id(context)
    gate = ApprovalGate(
        caller=caller, workflow_version=workflow_version(context), run=run, id=gate_id(run, number), request=request
    )
    return PendingDecision(gate, begin_orchestrator(context, KEEPER, gate, gate.id))


def seek_approval(context: Context, number: int, request: ApprovalRequest, caller: Caller) -> Strand[Decision]:
    """Ask, and wait until it is decided."""
    return (yield from open_gate(context, number, request, caller).decision(context))
