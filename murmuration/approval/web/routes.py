"""Approvers' door: a GET of a link shows what is asked and changes nothing, a POST answers. Operators list gates."""

import asyncio
import json
import time
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import wraps
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import azure.durable_functions as df
import azure.functions as func
from pydantic import ValidationError

from murmuration.approval.web.pages import HEADERS, decision_page, message_page, wants_page
from murmuration.approval.web.snapshot import (
    GateSnapshot,
    answered_already,
    check_link,
    check_open,
    gates_of,
    load_gate,
)
from murmuration.contracts.approvals import Vote, VoteRequest
from murmuration.contracts.content import Content
from murmuration.http.body import read_body
from murmuration.http.problems import PROBLEM, HttpProblem, answering, invalid, quote
from murmuration.http.runs import FIRST_LOOK_SECONDS, MAX_LOOK_SECONDS, OVER, find, ok, state, status_of
from murmuration.policy.gates import event_name, hash_of
from murmuration.policy.links import Claims, LinkRefused, read_link, sign_link, sign_vote
from murmuration.services.current import current_clients, current_settings
from murmuration.services.storage.artifacts import get_text
from murmuration.services.telemetry.log import log

MAX_BODY_BYTES = 32 * 1024
EFFECT_SECONDS = 5.0
"""How long an answer is waited for to take effect, before the approver is told to look again."""

approvals = df.Blueprint()
Handler = Callable[..., Awaitable[func.HttpResponse]]


def for_people(handler: Handler) -> Handler:
    """A browser gets a problem as a page; and nobody keeps, frames or indexes what a link has shown."""

    @wraps(handler)
    async def answer(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
        response = await handler(req, client)
        if response.mimetype == PROBLEM and wants_page(req):
            problem = json.loads(response.get_body())
            response = message_page(response.status_code, problem["title"], problem["detail"])
        response.headers.update(HEADERS)
        return response

    return answer


@approvals.route(route="approvals/{link}", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@approvals.durable_client_input(client_name="client")
@for_people
@answering
async def show_asked(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """What is asked, and a form to decide. Mail scanners and previews may read it as often as they like."""
    claims, snapshot = await _read(req, client)
    asked = snapshot.gate.request
    text = await get_text(current_clients().store.of_run(snapshot.gate.run), asked.asked)
    if hash_of(Content(text=text)) != claims.asked:
        raise HttpProblem(403, "Link refused", "what is kept is not what approval was asked for")
    facts = {
        "You": claims.approver,
        "Asked by": asked.requester,
        "Run": snapshot.gate.run,
        "Open until": f"{snapshot.status.expires:%Y-%m-%d %H:%M} UTC",
        "Approvals": f"{len(snapshot.status.votes)} of {snapshot.status.quorum}",
    }
    if wants_page(req):
        return decision_page(asked.title, facts, text, asked.about)
    shown = {
        "title": asked.title,
        "asked": text,
        "about": asked.about,
        "hash": claims.asked,
        "approver": claims.approver,
    }
    return ok({**shown, **_shown(snapshot), "choices": ["approve", "reject", "revise"]})


@approvals.route(route="approvals/{link}", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
@approvals.durable_client_input(client_name="client")
@for_people
@answering
async def decide(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """Answer: 200 when it counts, 202 when that is not known yet, 409 with what was decided when it comes too late."""
    claims, snapshot = await _read(req, client)
    given = _vote_request(req)
    unsealed = Vote(
        gate=claims.gate,
        panel=claims.panel,
        asked=claims.asked,
        approver=claims.approver,
        choice=given.decision,
        comment=given.comment,
        id=uuid.uuid4().hex,
        at=datetime.now(UTC),
        signature="",
    )
    vote = sign_vote(current_settings().required_approval_secret(), unsealed)
    place = snapshot.status.approvers.index(claims.approver)
    event = event_name(claims.panel, place, snapshot.status.waits[place])
    try:
        await client.raise_event(claims.gate, event, vote.model_dump(mode="json"))
    except Exception:  # the SDK raises nothing narrower when the gate has ended in between
        check_open(await load_gate(client, current_settings().tenant, claims.gate))
        raise
    log("vote", gate=claims.gate, choice=given.decision)
    after = await _effect(client, vote)
    if after is None:
        return _respond(
            req, 202, "Handed over", "Your answer was handed over. Open the link again to see whether it counts."
        )
    text = f"Your answer counts: {given.decision}. "
    text += "More approvals are needed." if after.status.state == "open" else f"It is decided: {after.status.state}."
    return _respond(req, 200, "Thank you", text, _shown(after))


async def _read(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> tuple[Claims, GateSnapshot]:
    """What the link says and the gate that it opens; raises `HttpProblem` when it can't be answered."""
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


def _vote_request(req: func.HttpRequest) -> VoteRequest:
    """The body, as a form or as JSON."""
    if not req.headers.get("Content-Type", "").lower().startswith("application/x-www-form-urlencoded"):
        return read_body(req, VoteRequest, MAX_BODY_BYTES)
    body = req.get_body()
    if len(body) > MAX_BODY_BYTES:
        raise HttpProblem(413, "Body too large", f"the body has {len(body)} bytes, at most {MAX_BODY_BYTES} are taken")
    try:
        fields = parse_qsl(body.decode("utf-8"), keep_blank_values=True, errors="strict", max_num_fields=10)
    except ValueError as error:
        raise HttpProblem(400, "Not a form", "the body is not a form of at most 10 fields in UTF-8") from error
    names = [name for name, _ in fields]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise HttpProblem(400, "Invalid request", f"{quote(twice)}: given twice")
    try:
        return VoteRequest.model_validate(
            {name: value.replace("\r\n", "\n") for name, value in fields}, strict=True, extra="forbid"
        )
    except ValidationError as error:
        raise invalid(error) from error


async def _effect(client: df.DurableOrchestrationClient, vote: Vote) -> GateSnapshot | None:
    """The gate once the vote counts, None when it has not by `EFFECT_SECONDS`; raises when another was first."""
    deadline = time.monotonic() + EFFECT_SECONDS
    pause = FIRST_LOOK_SECONDS
    while time.monotonic() < deadline:
        snapshot = await load_gate(client, current_settings().tenant, vote.gate)
        counted = snapshot.vote_of(vote.approver) if snapshot.status.panel == vote.panel else None
        if counted is not None and counted.id == vote.id:
            return snapshot
        check_open(snapshot)
        if counted is not None:
            raise answered_already(counted)
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, MAX_LOOK_SECONDS)
    return None


def _respond(
    req: func.HttpRequest, status: int, title: str, text: str, shown: dict[str, Any] | None = None
) -> func.HttpResponse:
    if wants_page(req):
        return message_page(status, title, text)
    body = json.dumps({"detail": text, **(shown or {})})
    return func.HttpResponse(body, status_code=status, mimetype="application/json")


def _shown(snapshot: GateSnapshot) -> dict[str, Any]:
    return {
        "gate": snapshot.gate.id,
        "run": snapshot.gate.run,
        **snapshot.status.model_dump(mode="json", exclude={"waits"}),
    }


@approvals.route(route="goals/{id}/gates", methods=["GET"], auth_level=func.AuthLevel.ADMIN)
@approvals.durable_client_input(client_name="client")
@answering
async def list_gates(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """The gates of a run; with `?approver=` the links of that approver to those that are open.

    For operators alone: who has another's link may answer in their name.
    """
    run = req.route_params["id"]
    await find(client, current_settings().tenant, run)
    approver = req.params.get("approver", "").strip().lower()
    rows = []
    for snapshot in await gates_of(client, run):
        row = {"title": snapshot.gate.request.title, **_shown(snapshot)}
        if approver:
            row["link"] = _link(req, snapshot, approver)
        rows.append(row)
    return ok({"id": run, "gates": rows})


def _link(req: func.HttpRequest, snapshot: GateSnapshot, approver: str) -> str | None:
    """A fresh link; None when this approver is not asked, has answered, or the gate is not open."""
    status, settings = snapshot.status, current_settings()
    asked = status.state == "open" and not snapshot.over and approver in status.approvers
    if not asked or snapshot.vote_of(approver) is not None:
        return None
    claims = Claims(
        gate=snapshot.gate.id,
        panel=status.panel,
        asked=hash_of(snapshot.gate.request.asked),
        approver=approver,
        expires=status.expires,
    )
    parts = urlsplit(req.url)
    base = settings.app_url or f"{parts.scheme}://{parts.netloc}"
    log("link_made", gate=snapshot.gate.id)
    return f"{base}/api/approvals/{sign_link(settings.required_approval_secret(), claims)}"
