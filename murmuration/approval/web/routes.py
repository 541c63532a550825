"""The HTTP routes of approval: a GET of a link shows the content and changes nothing, a POST decides."""

import asyncio
import json
import time
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import wraps
from typing import Any
from urllib.parse import urlsplit

import azure.durable_functions as df
import azure.functions as func

from murmuration.approval.web.pages import HEADERS, decision_page, message_page, wants_page
from murmuration.approval.web.snapshot import (
    GateSnapshot,
    already_answered,
    check_choice,
    check_link,
    check_open,
    gates_of,
    load_gate,
)
from murmuration.approval.web.vote_request import read_vote_request
from murmuration.contracts.approvals import Vote
from murmuration.contracts.content import Content
from murmuration.http.problems import PROBLEM, HttpProblem, answering, quote
from murmuration.http.runs import FIRST_LOOK_SECONDS, MAX_LOOK_SECONDS, OVER, ok, state, status_of
from murmuration.policy.gates import event_name, hash_of
from murmuration.policy.links import Claims, LinkRefused, read_link, sign_link, sign_vote
from murmuration.services.current import current_clients, current_settings
from murmuration.services.storage.artifacts import get_text
from murmuration.services.telemetry.log import log

MAX_EFFECT_SECONDS = 5.0
"""How long an approver waits for the answer to count before being told to look again."""

approvals = df.Blueprint()
Handler = Callable[..., Awaitable[func.HttpResponse]]


def for_browsers(handler: Handler) -> Handler:
    """Show problems as pages to browsers, and forbid that a response is cached, framed or indexed."""

    @wraps(handler)
    async def respond(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
        response = await handler(req, client)
        if response.mimetype == PROBLEM and wants_page(req):
            problem = json.loads(response.get_body())
            response = message_page(response.status_code, problem["title"], problem["detail"])
        response.headers.update(HEADERS)
        return response

    return respond


@approvals.route(route="approvals/{link}", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@approvals.durable_client_input(client_name="client")
@for_browsers
@answering
async def show_request(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """Show the content to decide on, with a form. Mail scanners and previews may read it as often as they like."""
    claims, snapshot = await _open_link(req, client)
    request = snapshot.gate.request
    text = await get_text(current_clients().store.of_run(snapshot.gate.run), request.content)
    if hash_of(Content(text=text)) != claims.content_hash:
        raise HttpProblem(403, "Link refused", "the stored content is not the content that approval was asked for")
    if wants_page(req):
        facts = {
            "You": claims.approver,
            "Requested by": request.requester,
            "Run": snapshot.gate.run,
            "Open until": f"{snapshot.status.expires:%Y-%m-%d %H:%M} UTC",
            "Approvals": f"{len(snapshot.status.votes)} of {snapshot.status.quorum}",
        }
        return decision_page(request, facts, text)
    content = {"title": request.title, "content": text, "details": request.details, "content_hash": claims.content_hash}
    choices = {"approver": claims.approver, "choices": list(request.choices)}
    return ok({**content, **choices, **_status(snapshot)})


@approvals.route(route="approvals/{link}", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
@approvals.durable_client_input(client_name="client")
@for_browsers
@answering
async def decide(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """Take an answer: 200 once it counts, 202 when that is not known yet, 409 with the decision when it is too late."""
    claims, snapshot = await _open_link(req, client)
    answer = read_vote_request(req)
    check_choice(snapshot, answer.decision)
    unsigned = Vote(
        gate=claims.gate,
        panel=claims.panel,
        content_hash=claims.content_hash,
        approver=claims.approver,
        choice=answer.decision,
        comment=answer.comment,
        id=uuid.uuid4().hex,
        at=datetime.now(UTC),
        signature="",
    )
    vote = sign_vote(current_settings().required_approval_secret(), unsigned)
    index = snapshot.status.approvers.index(claims.approver)
    event = event_name(claims.panel, index, snapshot.status.waits[index])
    try:
        await client.raise_event(claims.gate, event, vote.model_dump(mode="json"))
    except Exception:  # the SDK raises nothing narrower when the gate has ended meanwhile
        check_open(await load_gate(client, current_settings().tenant, claims.gate))
        raise
    log("vote", gate=claims.gate, choice=answer.decision)
    after = await _wait_until_counted(client, vote)
    if after is None:
        text = "Your answer was received. Open the link again to see whether it counts."
        return _message(req, 202, "Received", text)
    outcome = "More approvals are needed." if after.status.state == "open" else f"It is decided: {after.status.state}."
    return _message(req, 200, "Thank you", f"Your answer counts: {answer.decision}. {outcome}", _status(after))


async def _open_link(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> tuple[Claims, GateSnapshot]:
    """Read the link and load its gate; raises `HttpProblem` when it can't be answered."""
    settings = current_settings()
    try:
        claims = read_link(settings.required_approval_secret(), req.route_params["link"])
    except LinkRefused as refused:
        raise HttpProblem(403, "Link refused", f"link: {refused}") from refused
    snapshot = await load_gate(client, settings.tenant, claims.gate)
    check_link(snapshot, claims, datetime.now(UTC))
    run = await status_of(client, snapshot.gate.run)
    if run is None or state(run) in OVER:
        raise HttpProblem(409, "Closed", "the run that asked has ended: there is nothing left to decide")
    return claims, snapshot


async def _wait_until_counted(client: df.DurableOrchestrationClient, vote: Vote) -> GateSnapshot | None:
    """Return the gate once the vote counts, None if it does not in time; raises `HttpProblem` if another was first."""
    deadline = time.monotonic() + MAX_EFFECT_SECONDS
    pause = FIRST_LOOK_SECONDS
    while time.monotonic() < deadline:
        snapshot = await load_gate(client, current_settings().tenant, vote.gate)
        counted = snapshot.vote_of(vote.approver) if snapshot.status.panel == vote.panel else None
        if counted is not None and counted.id == vote.id:
            return snapshot
        check_open(snapshot)
        if counted is not None:
            raise already_answered(counted)
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, MAX_LOOK_SECONDS)
    return None


def _message(
    req: func.HttpRequest, status: int, title: str, text: str, members: dict[str, Any] | None = None
) -> func.HttpResponse:
    if wants_page(req):
        return message_page(status, title, text)
    body = json.dumps({"detail": text, **(members or {})})
    return func.HttpResponse(body, status_code=status, mimetype="application/json")


def _status(snapshot: GateSnapshot) -> dict[str, Any]:
    return {
        "gate": snapshot.gate.id,
        "run": snapshot.gate.run,
        **snapshot.status.model_dump(mode="json", exclude={"waits"}),
    }


@approvals.route(route="runs/{id}/gates", methods=["GET"], auth_level=func.AuthLevel.ADMIN)
@approvals.durable_client_input(client_name="client")
@answering
async def list_gates(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """List a run's gates; with `?approver=`, the links of that approver to those that are open.

    Only for operators: whoever has another person's link can answer in that person's name.
    """
    run = req.route_params["id"]
    gates = await gates_of(client, run)
    tenant = current_settings().tenant
    if await status_of(client, run) is None or any(snapshot.gate.caller.tenant != tenant for snapshot in gates):
        raise HttpProblem(404, "Not found", f"there is no run {quote(run)}")
    approver = req.params.get("approver", "").strip().lower()
    rows = []
    for snapshot in gates:
        row = {"title": snapshot.gate.request.title, **_status(snapshot)}
        if approver:
            row["link"] = _new_link(req, snapshot, approver)
        rows.append(row)
    return ok({"id": run, "gates": rows})


def _new_link(req: func.HttpRequest, snapshot: GateSnapshot, approver: str) -> str | None:
    """Make a link; None when the gate is not open, or this approver is not asked or has answered."""
    status, settings = snapshot.status, current_settings()
    may_answer = status.state == "open" and not snapshot.over and approver in status.approvers
    if not may_answer or snapshot.vote_of(approver) is not None:
        return None
    claims = Claims(
        gate=snapshot.gate.id,
        panel=status.panel,
        content_hash=hash_of(snapshot.gate.request.content),
        approver=approver,
        expires=status.expires,
    )
    parts = urlsplit(req.url)
    base = settings.app_url or f"{parts.scheme}://{parts.netloc}"
    log("link_made", gate=snapshot.gate.id)
    return f"{base}/api/approvals/{sign_link(settings.required_approval_secret(), claims)}"
