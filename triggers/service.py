"""`GET /api/health` and `GET /api/schemas`: is the app configured, and what does it take and return?"""

from typing import Any

import azure.durable_functions as df
import azure.functions as func

from murmuration.agents.loader import known_agents
from murmuration.contracts.answers import Outcome
from murmuration.contracts.approvals import ApprovalRules, Decision, VoteRequest
from murmuration.contracts.documents import DocumentsRequest, ReadingReport
from murmuration.contracts.forgetting import ForgetRequest, Receipt
from murmuration.contracts.goals import GoalRequest
from murmuration.contracts.plans import Plan
from murmuration.contracts.steps import STEPS
from murmuration.http.body import body_schema
from murmuration.http.problems import HttpProblem, answering, quote
from murmuration.http.runs import ok
from murmuration.services.current import current_settings, misspelt_variables

BODIES = (GoalRequest, DocumentsRequest, ApprovalRules, VoteRequest, ForgetRequest)
"""Contracts that callers send: a field that they don't have is refused."""
ANSWERS = (Outcome, Plan, ReadingReport, Decision, Receipt)
"""Contracts that callers receive: a later version may add fields."""

service = df.Blueprint()


@service.route(route="health", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@answering
async def health(req: func.HttpRequest) -> func.HttpResponse:
    """Answer 200 when the settings are complete, else 503 with the names of the settings.

    Agents' files that can't be used are listed: the app works on without these agents. So are variables that look like
    a misspelt setting.
    """
    current_settings(search=True)
    problems, warnings = list(known_agents().problems), misspelt_variables()
    found = {name: texts for name, texts in (("problems", problems), ("warnings", warnings)) if texts}
    return ok({"status": "degraded" if problems else "ok", **found})


@service.route(route="schemas", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@answering
async def list_schemas(req: func.HttpRequest) -> func.HttpResponse:
    """Show the JSON Schemas of bodies and answers, and of every step's input and result."""
    steps = {
        step.name: {"takes": step.takes.model_json_schema(), "returns": step.returns.model_json_schema()}
        for step in STEPS
    }
    return ok({"schemas": _schemas(), "steps": steps})


@service.route(route="schemas/{name}", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@answering
async def show_schema(req: func.HttpRequest) -> func.HttpResponse:
    """Show one JSON Schema of a body or an answer."""
    name = req.route_params["name"]
    schemas = _schemas()
    if name not in schemas:
        detail = f"there is no schema {quote(name)}; there are {', '.join(schemas)}"
        raise HttpProblem(404, "Not found", detail)
    return ok(schemas[name])


def _schemas() -> dict[str, Any]:
    bodies = {contract.__name__: body_schema(contract) for contract in BODIES}
    return bodies | {contract.__name__: contract.model_json_schema() for contract in ANSWERS}
