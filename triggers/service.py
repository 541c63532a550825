"""`GET /api/health` and `GET /api/schemas`: is it configured, and what does it take and return?"""

import azure.durable_functions as df
import azure.functions as func

from murmuration.contracts.answers import Outcome
from murmuration.contracts.approvals import ApprovalRulesRequest, Decision, VoteRequest
from murmuration.contracts.documents import DocumentsRequest, ReadingReport
from murmuration.contracts.forgetting import ForgetRequest, Receipt
from murmuration.contracts.goals import GoalRequest
from murmuration.contracts.plans import Plan
from murmuration.contracts.steps import STEPS
from murmuration.http.problems import HttpProblem, answering, quote
from murmuration.http.runs import ok
from murmuration.services.settings import current_settings

PUBLIC = (
    GoalRequest,
    Outcome,
    Plan,
    DocumentsRequest,
    ReadingReport,
    ApprovalRulesRequest,
    VoteRequest,
    Decision,
    ForgetRequest,
    Receipt,
)

service = df.Blueprint()


@service.route(route="health", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@answering
async def health(req: func.HttpRequest) -> func.HttpResponse:
    """200 when the settings are complete; 503 that names the setting otherwise."""
    current_settings()
    return ok({"status": "ok"})


@service.route(route="schemas", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@answering
async def schemas(req: func.HttpRequest) -> func.HttpResponse:
    """The JSON Schemas of what the API takes and returns, and of every step."""
    public = {each.__name__: each.model_json_schema() for each in PUBLIC}
    steps = {
        step.name: {"takes": step.takes.model_json_schema(), "returns": step.returns.model_json_schema()}
        for step in STEPS
    }
    return ok({"schemas": public, "steps": steps})


@service.route(route="schemas/{name}", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@answering
async def schema(req: func.HttpRequest) -> func.HttpResponse:
    """One JSON Schema by its name."""
    name = req.route_params["name"]
    for each in PUBLIC:
        if each.__name__ == name:
            return ok(each.model_json_schema())
    known = ", ".join(each.__name__ for each in PUBLIC)
    raise HttpProblem(404, "Not found", f"there is no schema {quote(name)}; there are {known}")
