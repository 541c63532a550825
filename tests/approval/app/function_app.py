"""An app of somebody else: a workflow that asks people, on the library's gate, steps and routes."""

import azure.durable_functions as df
import azure.functions as func

from murmuration.approval.seek_approval import DEFAULT_CALLER, seek_approval
from murmuration.contracts.approvals import ApprovalRequest, Decision
from murmuration.contracts.runs import Caller
from murmuration.deployment import register
from murmuration.durable.context import Context, read_input
from murmuration.durable.flow import Strand
from murmuration.durable.registry import workflow


class Publication(ApprovalRequest):
    """The input of `publish`."""

    caller: Caller = DEFAULT_CALLER


@workflow
def publish(context: Context) -> Strand[Decision]:
    """Ask for one approval, and return the decision."""
    publication = read_input(context, Publication)
    return (yield from seek_approval(context, 1, publication, publication.caller))


app = df.DFApp(http_auth_level=func.AuthLevel.FUNCTION)
register(app)
