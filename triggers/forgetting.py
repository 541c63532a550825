"""`POST /api/forget` forgets a user, a session, documents, a run or all; `GET /api/forget/{id}` shows the receipt."""

import uuid

import azure.durable_functions as df
import azure.functions as func
from azure.durable_functions.models.DurableOrchestrationStatus import DurableOrchestrationStatus

from murmuration.contracts.forgetting import ForgetRequest, Forgetting, Receipt, Sources, Subject, VerificationPolicy
from murmuration.contracts.owner import Owner
from murmuration.contracts.runs import Caller
from murmuration.contracts.steps import STEPS
from murmuration.http.body import idempotency_key, invalid_field, read_body, wait_seconds
from murmuration.http.problems import HttpProblem, answering, quote
from murmuration.http.runs import OVER, accepted, ended, facts, find, ok, output_of, start, state, status_of
from murmuration.policy.forgetting import documents_key
from murmuration.policy.tenancy import owns, run_id, session_key, tenant_key, user_key
from murmuration.services.current import current_clients, current_settings
from murmuration.services.storage.artifacts import put_value
from murmuration.services.storage.run_histories import RECEIPTS

MAX_BODY_BYTES = 256 * 1024

forgetting = df.Blueprint()


@forgetting.route(route="forget", methods=["POST"])
@forgetting.durable_client_input(client_name="client")
@answering
async def start_forgetting(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """Start to forget: 202 with the status URLs, or 200 with the receipt when it is ready within `?wait=` seconds."""
    tenant = current_settings(search=True).tenant
    wait = wait_seconds(req)
    body = read_body(req, ForgetRequest, MAX_BODY_BYTES)
    run = run_id(tenant, idempotency_key(req) or uuid.uuid4().hex)
    subject = await _subject(client, tenant, run, body)
    verification = VerificationPolicy(after_stop_seconds=max(step.timeout_seconds for step in STEPS))
    request = Forgetting(caller=Caller(tenant=tenant), subject=subject, verification=verification)
    before = await status_of(client, run)
    try:
        await start(client, RECEIPTS, run, request)
    finally:
        await _drop_names(subject, before)
    status = await ended(client, run, wait or 0)
    return accepted(client, req, run, "forgetUri") if status is None else ok(_summary(status))


@forgetting.route(route="forget/{id}", methods=["GET"])
@forgetting.durable_client_input(client_name="client")
@answering
async def show_forgetting(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """Show a forgetting and its receipt: of a `failed` one it says what remains."""
    status = await find(client, current_settings().tenant, req.route_params["id"], RECEIPTS)
    return ok({**_summary(status), **facts(status)})


def _summary(status: DurableOrchestrationStatus) -> dict[str, object]:
    if state(status) != "completed":
        return {"id": status.instance_id, "status": state(status), "receipt": None}
    receipt = Receipt.model_validate(output_of(status))
    result = "completed" if receipt.verified else "failed"
    return {"id": receipt.id, "status": result, "receipt": receipt.model_dump(mode="json")}


async def _subject(client: df.DurableOrchestrationClient, tenant: str, run: str, body: ForgetRequest) -> Subject:
    """Turn names into keys: no user's name goes further than this function."""
    user = user_key(tenant, body.user or "")
    if body.documents is not None:
        names = tuple(dict.fromkeys(body.documents))
        reference = await put_value(current_clients().store.of_run(run), Sources(names=names))
        key = documents_key(tenant, user, names)
        return Subject(kind="documents", key=key, owner=Owner(tenant=tenant, user=user), sources=reference)
    if body.session is not None:
        owner = Owner(tenant=tenant, user=user_key(tenant, body.session.user))
        key = session_key(tenant, body.session.user, body.session.id)
        return Subject(kind="session", key=key, owner=owner, session=key)
    if body.run is not None:
        await _check_run(client, tenant, body.run)
        return Subject(kind="run", key=body.run, owner=Owner(tenant=tenant), run=body.run)
    if body.everything:
        _check_confirmation(tenant, body.confirm)
        return Subject(kind="tenant", key=tenant_key(tenant), owner=Owner(tenant=tenant))
    return Subject(kind="user", key=user, owner=Owner(tenant=tenant, user=user))


async def _check_run(client: df.DurableOrchestrationClient, tenant: str, run: str) -> None:
    """Answer another tenant's run like one that does not exist; a run of ours may be gone already."""
    if not owns(tenant, run):
        raise HttpProblem(404, "Not found", f"there is no run {quote(run)}")
    status = await status_of(client, run)
    if status is not None and status.name == RECEIPTS:
        raise invalid_field("run", "is a forgetting, whose receipt stays", run)


def _check_confirmation(tenant: str, confirm: str | None) -> None:
    if confirm != tenant:
        raise invalid_field("confirm", "is not the tenant's name", confirm)


async def _drop_names(subject: Subject, before: DurableOrchestrationStatus | None) -> None:
    """Delete the documents' names of a request that was repeated after its run had ended: nobody else would."""
    if subject.sources is None or before is None:
        return
    if before.name != RECEIPTS or state(before) in OVER:
        await current_clients().store.delete([subject.sources.artifact])
