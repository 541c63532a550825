"""Ask people for approval from within a workflow, and wait for their decision, however long they take.

Each gate is an orchestration of its own, `approval_gate`. So weeks of waiting and reminding do not lengthen the run's
history, every gate has its own events and status, and it still tells who decided when the run is over.
"""

from dataclasses import dataclass

from pydantic import ValidationError

from murmuration.contracts.approvals import ApprovalGate, ApprovalRequest, Decision
from murmuration.contracts.runs import DEFAULT_TENANT, Caller
from murmuration.durable.context import Context, instance_id, now, workflow_version
from murmuration.durable.flow import Leaf, Strand, begin_orchestrator
from murmuration.policy.gates import GATE_WORKFLOW, gate_id, hash_of

DEFAULT_CALLER = Caller(tenant=DEFAULT_TENANT)
"""The caller of workflows whose input names none. Links work for the tenant in the setting TENANT alone."""


@dataclass(frozen=True)
class PendingDecision:
    """An open gate, for whose decision several strands may wait."""

    gate: ApprovalGate
    leaf: Leaf

    def decision(self, context: Context) -> Strand[Decision]:
        """Wait for the decision. It never raises: a gate that broke or was terminated has rejected."""
        while not self.leaf.is_completed:
            yield (self.leaf,)
        try:
            return Decision.model_validate(self.leaf.result)
        except ValidationError:
            content_hash = hash_of(self.gate.request.content)
            return Decision(
                gate=self.gate.id, content_hash=content_hash, state="rejected", how="gate_broke", at=now(context)
            )


def open_gate(
    context: Context, number: int, request: ApprovalRequest, caller: Caller = DEFAULT_CALLER
) -> PendingDecision:
    """Ask people, without waiting yet. `number` counts the gates of the run, from 1 without gaps.

    `caller` is the one in the run's input. The gate inherits it, and the version of the workflow.
    """
    run = instance_id(context)
    gate = ApprovalGate(
        caller=caller, workflow_version=workflow_version(context), run=run, id=gate_id(run, number), request=request
    )
    return PendingDecision(gate, begin_orchestrator(context, GATE_WORKFLOW, gate, gate.id))


def seek_approval(
    context: Context, number: int, request: ApprovalRequest, caller: Caller = DEFAULT_CALLER
) -> Strand[Decision]:
    """Ask people, and wait for their decision; the arguments are those of `open_gate`."""
    return (yield from open_gate(context, number, request, caller).decision(context))
