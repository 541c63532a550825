"""`POST /api/goals` starts a run, `GET /api/goals/{id}` tells how it is."""

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
from murmuration.services.clients import current_clients
from murmuration.services.current import current_settings
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
    """202 with the status URLs; with `?wait=seconds`, 200 and the outcome when it is there in time."""
    await admit(client)
    settings = current_settings()
    tenant = settings.tenant
    wait = wait_seconds(req)
    asked = read_body(req, GoalRequest, MAX_BODY_BYTES)
    run = run_id(tenant, idempotency_key(req) or uuid.uuid4().hex)
    goal = Goal(
        caller=Caller(tenant=tenant),
        owner=Owner(tenant=tenant, user=user_key(tenant, asked.user)),
        session=session_key(tenant, asked.user, asked.session_id),
        text=asked.goal,
        scope=asked.scope,
        plan=_plan(asked),
        requester=_requester(asked),
        prices=_prices(asked),
        metadata=asked.metadata,
        options=asked.options,
        active_limit=settings.max_active_runs,
    )
    records = RunRecords(current_clients().store, tenant_key(tenant))
    await records.write(run, user=goal.owner.user, session=goal.session)
    await start(client, ORCHESTRATOR, run, goal, ours=("active_limit",))
    await records.write(run, user=goal.owner.user, session=goal.session)
    status = await ended(client, run, asked.options.wait if wait is None else wait)
    if status is None:
        return accepted(client, req, run, "goalUri")
    return ok(await _outcome(output_of(status)))


def _requester(asked: GoalRequest) -> str:
    """Who wants what people have to approve; raises `HttpProblem` 400 when nobody could approve it."""
    options = asked.options
    if options.approval is None:
        for field in ("on_exhausted", "on_budget"):
            if getattr(options, field) == "ask_person":
                raise invalid_field(f"options.{field}", "needs options.approval: it says who is asked", "ask_person")
        return ""
    current_settings().required_approval_secret()
    requester = asked.user or "somebody with a key"
    try:
        check_reachable(options.approval, requester)
    except UnreachableQuorum as problem:
        raise invalid_field("options.approval", str(problem), requester) from None
    return requester


def _prices(asked: GoalRequest) -> PriceTable | None:
    """Frozen for the run; raises `HttpProblem` 400 when money is to be limited and a price is not known."""
    try:
        return prices_for(current_settings())
    except SettingsError as problem:
        if asked.options.budget.usd is not None:
            raise invalid_field("options.budget.usd", str(problem), asked.options.budget.usd) from None
        return None


def _plan(asked: GoalRequest) -> Plan | None:
    """The caller's own plan; raises `HttpProblem` 400 with the rule that it breaks."""
    if asked.plan is None:
        return None
    try:
        return checked_plan(PlanReply(tasks=asked.plan), {agent.name: agent.task_type for agent in agents_for_plans()})
    except PlanRejected as problem:
        raise invalid_field("plan", str(problem), [task.id for task in asked.plan]) from None


@goals.route(route="goals/{id}", methods=["GET"])
@goals.durable_client_input(client_name="client")
@answering
async def show_goal(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """The run's stage, tasks and usage while it works; its outcome when it has ended."""
    run = req.route_params["id"]
    status = await find(client, current_settings().tenant, run, ORCHESTRATOR)
    shown = as_json(status.custom_status) or {}
    outcome = await _outcome(status.output) if state(status) == "completed" else None
    return ok(
        {
            "id": status.instance_id,
            "status": outcome["status"] if outcome else state(status),
            "stage": "ended" if state(status) in OVER else shown.get("stage", "recalling"),
            "tasks": shown.get("tasks", []),
            "usage": {"model_calls": shown.get("model_calls", 0), "tokens": shown.get("tokens", 0)},
            "gates": [_gate(each) for each in await gates_of(client, run)],
            "outcome": outcome,
            **facts(status),
        }
    )


def _gate(seen: GateSnapshot) -> dict[str, Any]:
    """What whoever watches a run is told of a gate; links are the approvers' own."""
    asked = {"id": seen.gate.id, "title": seen.gate.request.title}
    shown = seen.status.model_dump(mode="json", include={"state", "approvers", "quorum", "expires", "by", "at"})
    return {**asked, **shown, "votes": [{"by": vote.by, "choice": vote.choice} for vote in seen.status.votes]}


async def _outcome(output: Any) -> dict[str, Any]:
    """The outcome as callers get it: with its answer, however long that is."""
    outcome = Outcome.model_validate(as_json(output))
    answer = outcome.answer
    if outcome.answer_artifact is not None:
        answer = (await current_clients().store.get(outcome.answer_artifact)).decode()
    return outcome.model_copy(update={"answer": answer}).model_dump(mode="json")
