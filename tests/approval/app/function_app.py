"""An app of somebody else: a workflow that asks people, on the library's gate, steps and routes."""

import azure.durable_functions as df
import azure.functions as func

from murmuration.approval.seek_approval import DEFAULT_CALLER, seek_approval
from murmuration.contracts.approvals import ApprovalRequest, Decision
from murmuration.contracts.runs import Caller
from murmuration.deployment import register
from murmuration.durable.registry import workflow
from murmuration.durable.workflow import Flow


class Publication(ApprovalRequest):
    """The input of `publish`."""

    caller: Caller = DEFAULT_CALLER


@workflow
async def publish(flow: Flow, publication: Publication) -> Decision:
    """Ask for one approval, and return the decision."""
    return await seek_approval(flow, 1, publication, publication.caller)


app = df.DFApp(http_auth_level=func.AuthLevel.FUNCTION)
register(app)
