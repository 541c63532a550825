"""The approvers' door, the gate and its steps as they are deployed, and a run that asks for one approval."""

from collections.abc import Awaitable, Callable, Generator
from typing import Any

import azure.durable_functions as df
import azure.functions as func

from murmuration.approval.approval_gate import approval_gate
from murmuration.approval.seek_approval import seek_approval
from murmuration.approval.web.routes import approvals
from murmuration.contracts.approvals import ApprovalRequest
from murmuration.contracts.runs import Caller
from murmuration.contracts.steps import NOTIFY_APPROVERS, VERIFY_VOTE, Step
from murmuration.durable.context import Context
from murmuration.durable.flow import conduct
from murmuration.steps.runner import run_step

app = df.DFApp(http_auth_level=func.AuthLevel.FUNCTION)
app.register_functions(approvals)
app.orchestration_trigger(context_name="context", orchestration="approval_gate")(approval_gate)


@app.orchestration_trigger(context_name="context")
def achieve_goal(context: Context) -> Generator[Any, Any, dict[str, Any]]:
    """Takes an `ApprovalRequest`, returns its `Decision`."""
    request = ApprovalRequest.model_validate(context.get_input())
    decision = yield from conduct(context, seek_approval(context, 1, request, Caller(tenant="default")))
    return decision.model_dump(mode="json")


def _activity(step: Step[Any, Any]) -> Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]:
    async def run(message: dict[str, Any]) -> dict[str, Any]:
        return await run_step(step, message)

    run.__name__ = step.name
    run.__annotations__ = {"message": dict, "return": dict}
    return run


for each in (NOTIFY_APPROVERS, VERIFY_VOTE):
    app.activity_trigger(input_name="message", activity=each.name)(_activity(each))
