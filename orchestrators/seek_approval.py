"""Seek approval: a gate of its own instance, kept by `keep_gate`, however long people take.

An instance of its own keeps the run's history short over weeks of waiting and reminding, gives each gate its own
events and status, and still answers who decided when the run is over.
"""

from pydantic import ValidationError

from contracts.approvals import ApprovalRequest, Decision, Gate
from orchestrators.flow import Context, Strand, call_orchestrator
from policy.gates import gate_id, hash_of

KEEPER = "keep_gate"


def seek_approval(context: Context, number: int, request: ApprovalRequest) -> Strand[Decision]:
    """Ask, and wait until it is decided. `number` counts the gates of the run, from 1: a revision has a new one.

    Never raises: a gate that broke or was terminated has rejected.
    """
    gate = Gate(run=context.instance_id, id=gate_id(context.instance_id, number), request=request)
    result = yield from call_orchestrator(context, KEEPER, gate, gate.id)
    try:
        return Decision.model_validate(result)
    except ValidationError:
        at = context.current_utc_datetime
        return Decision(gate=gate.id, asked=hash_of(request.asked), state="rejected", how="gate_broke", at=at)
