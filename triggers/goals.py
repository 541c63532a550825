"""`POST /api/goals` starts a run, `GET /api/goals/{id}` shows it."""

import uuid
from typing import Any

import azure.durable_functions as df
import azure.functions as func

from murmuration.agents.loader import agents_for_plans
from murmuration.approval.web.snapshot import GateSnapshot, gates_of
from murmuration.contracts.answers import Outcome
from murmuration.contracts.goals import Goal, GoalRequest
from murmuration.contracts.owner import Owner
from murmuration.contracts.plans import Plan
from murmuration.contracts.prices import PriceTable
from murmuration.contracts.replies import PlanReply
from murmuration.contracts.runs import Caller
from murmuration.http.body import idempotency_key, invalid_field, read_body, wait_seconds
from murmuration.http.problems import answering
from murmuration.http.runs import OVER, accepted, as_json, ended, facts, find, ok, output_of, start, state
from murmuration.policy.gates import UnreachableQuorum, check_reachable
from murmuration.policy.plan_rules import PlanRejected, checked_plan
from murmuration.policy.tenancy import run_id, session_key, tenant_key, user_key
from murmuration.services.current import current_clients, current_settings
from murmuration.services.errors import SettingsError
from murmuration.services.model.prices import prices_for
from murmuration.services.storage.run_records import RunRecords
from triggers.admission import admit

ORCHESTRATOR = "achieve_goal"
MAX_BODY_BYTES = 1024 * 1024

goals = df.Blueprint()


@goals.route(route="goals", methods=["POST"])
@goals.durable_client_input(client_name="client")
@answering
async def start_goal(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """Start a run: 202 with the status URLs, or 200 with the outcome when it ends within `?wait=` seconds."""
    await admit(client)
    settings = current_settings()
    tenant = settings.tenant
    wait = wait_seconds(req)
    request = read_body(req, GoalRequest, MAX_BODY_BYTES)
    run = run_id(tenant, idempotency_key(req) or uuid.uuid4().hex)
    goal = Goal(
        caller=Caller(tenant=tenant),
        owner=Owner(tenant=tenant, user=user_key(tenant, request.user)),
        session=session_key(tenant, request.user, request.session_id),
        text=request.goal,
        scope=request.scope,
        plan=_plan(request),
        requester=_requester(request),
        prices=_prices(request),
        metadata=request.metadata,
        options=request.options,
        active_limit=settings.max_active_runs,
    )
    records = RunRecords(current_clients().store, tenant_key(tenant))
    await records.write(run, user=goal.owner.user, session=goal.session)
    await start(client, ORCHESTRATOR, run, goal, ours=("active_limit",))
    await records.write(run, user=goal.owner.user, session=goal.session)
    status = await ended(client, run, request.options.wait if wait is None else wait)
    if status is None:
        return accepted(client, req, run, "goalUri")
    return ok(await _outcome(output_of(status)))


def _requester(request: GoalRequest) -> str:
    """Name the person for approvers; raises `HttpProblem` 400 when nobody is asked, or nobody could approve."""
    options = request.options
    if options.approval is None:
        for field in ("on_exhausted", "on_budget"):
            if getattr(options, field) == "ask_person":
                raise invalid_field(
                    f"options.{field}", "needs options.approval, which names the approvers", "ask_person"
                )
        return ""
    current_settings().required_approval_secret()
    requester = request.user or "somebody with a key"
    try:
        check_reachable(options.approval, requester)
    except UnreachableQuorum as problem:
        raise invalid_field("options.approval", str(problem), requester) from None
    return requester


def _prices(request: GoalRequest) -> PriceTable | None:
    """Read today's prices; raises `HttpProblem` 400 when the budget limits money and a price is not known."""
    try:
        return prices_for(current_settings())
    except SettingsError as problem:
        if request.options.budget.usd is not None:
            raise invalid_field("options.budget.usd", str(problem), request.options.budget.usd) from None
        return None


def _plan(request: GoalRequest) -> Plan | None:
    """Check the caller's own plan; raises `HttpProblem` 400 with the rule that it breaks."""
    if request.plan is None:
        return None
    try:
        return checked_plan(
            PlanReply(tasks=request.plan), {agent.name: agent.task_type for agent in agents_for_plans()}
        )
    except PlanRejected as problem:
        raise invalid_field("plan", str(problem), [task.id for task in request.plan]) from None


@goals.route(route="goals/{id}", methods=["GET"])
@goals.durable_client_input(client_name="client")
@answering
async def show_goal(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """Show the stage, tasks and usage of a run under way, or the outcome of one that has ended."""
    run = req.route_params["id"]
    status = await find(client, current_settings().tenant, run, ORCHESTRATOR)
    progress = as_json(status.custom_status) or {}
    outcome = await _outcome(status.output) if state(status) == "completed" else None
    return ok(
        {
            "id": status.instance_id,
            "status": outcome["status"] if outcome else state(status),
            "stage": "ended" if state(status) in OVER else progress.get("stage", "recalling"),
            "tasks": progress.get("tasks", []),
            "usage": {"model_calls": progress.get("model_calls", 0), "tokens": progress.get("tokens", 0)},
            "gates": [_gate(snapshot) for snapshot in await gates_of(client, run)],
            "outcome": outcome,
            **facts(status),
        }
    )


def _gate(snapshot: GateSnapshot) -> dict[str, Any]:
    """Describe a gate without its links: those are the approvers' own."""
    status = snapshot.status
    return {
        "id": snapshot.gate.id,
        "title": snapshot.gate.request.title,
        **status.model_dump(mode="json", include={"state", "approvers", "quorum", "expires", "by", "at"}),
        "votes": [{"by": vote.by, "choice": vote.choice} for vote in status.votes],
    }


async def _outcome(output: Any) -> dict[str, Any]:
    """Read an outcome with its whole answer, also when that is an artifact."""
    outcome = Outcome.model_validate(as_json(output))
    answer = outcome.answer
    if outcome.answer_artifact is not None:
        answer = (await current_clients().store.get(outcome.answer_artifact)).decode()
    return outcome.model_copy(update={"answer": answer}).model_dump(mode="json")
