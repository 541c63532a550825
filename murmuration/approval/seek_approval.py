"""Ask people for approval from within a workflow, and wait for their decision, however long they take.

Each gate is an orchestration of its own, `approval_gate`. So weeks of waiting and reminding do not lengthen the run's
history, every gate has its own events and status, and it still tells who decided when the run is over.
"""

from pydantic import ValidationError

from murmuration.contracts.approvals import ApprovalGate, ApprovalRequest, Decision
from murmuration.contracts.runs import DEFAULT_TENANT, Caller
from murmuration.durable.errors import DurableTaskFailed
from murmuration.durable.workflow import Flow
from murmuration.policy.gates import GATE_WORKFLOW, gate_id, hash_of

DEFAULT_CALLER = Caller(tenant=DEFAULT_TENANT)
"""The caller of workflows whose input names none. Links work for the tenant in the setting TENANT alone."""


async def seek_approval(flow: Flow, number: int, request: ApprovalRequest, caller: Caller = DEFAULT_CALLER) -> Decision:
    """Ask people, and wait for their decision. `number` counts the gates of the run, from 1 without gaps.

    `caller` is the one in the run's input. The gate inherits it, and the version of the workflow. Never raises: a gate
    that broke or was terminated has rejected.
    """
    run = flow.instance_id
    gate = ApprovalGate(caller=caller, workflow_version=flow.version, run=run, id=gate_id(run, number), request=request)
    try:
        return Decision.model_validate(await flow.sub_orchestration(GATE_WORKFLOW, gate, instance=gate.id))
    except (DurableTaskFailed, ValidationError):
        rejected = {"state": "rejected", "how": "gate_broke", "at": flow.now}
        return Decision.model_validate({"gate": gate.id, "content_hash": hash_of(request.content), **rejected})
