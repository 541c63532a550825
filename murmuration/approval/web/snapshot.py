"""Gates as the HTTP API finds them, and the reasons for which one can't be answered."""

from dataclasses import dataclass
from datetime import datetime

import azure.durable_functions as df
from azure.durable_functions.models.DurableOrchestrationStatus import DurableOrchestrationStatus

from murmuration.contracts.approvals import ApprovalGate, Choice, Counted, GateStatus
from murmuration.http.problems import HttpProblem, quote
from murmuration.http.runs import OVER, as_json, state, status_of
from murmuration.policy.gates import GATE_WORKFLOW, gate_id, hash_of
from murmuration.policy.links import Claims


@dataclass(frozen=True)
class GateSnapshot:
    """A gate at one moment."""

    gate: ApprovalGate
    status: GateStatus
    over: bool
    """Whether its workflow has ended; if that broke or was terminated, there is no decision."""

    def vote_of(self, approver: str) -> Counted | None:
        return next((vote for vote in self.status.votes if vote.by == approver), None)


async def load_gate(client: df.DurableOrchestrationClient, tenant: str, gate: str) -> GateSnapshot:
    """Load a gate; raises `HttpProblem` 404 when the tenant has no such gate, 409 when it is not open yet."""
    status = await status_of(client, gate)
    if status is None or status.name != GATE_WORKFLOW or _gate(status).caller.tenant != tenant:
        raise HttpProblem(404, "Not found", f"there is no gate {quote(gate)}")
    return _snapshot(status)


async def gates_of(client: df.DurableOrchestrationClient, run: str) -> list[GateSnapshot]:
    """Load all gates of a run, in the order in which they were opened."""
    gates: list[GateSnapshot] = []
    while (status := await status_of(client, gate_id(run, len(gates) + 1))) is not None and status.custom_status:
        gates.append(_snapshot(status))
    return gates


def _snapshot(status: DurableOrchestrationStatus) -> GateSnapshot:
    if not status.custom_status:
        raise HttpProblem(409, "Not open", "the gate is not open yet: try again in a moment")
    return GateSnapshot(_gate(status), GateStatus.model_validate(as_json(status.custom_status)), state(status) in OVER)


def _gate(status: DurableOrchestrationStatus) -> ApprovalGate:
    return ApprovalGate.model_validate(as_json(status.input_))


def check_link(snapshot: GateSnapshot, claims: Claims, now: datetime) -> None:
    """Raise `HttpProblem` when this link can't be answered at `now`; it tells what was decided, by whom and when."""
    if claims.content_hash != hash_of(snapshot.gate.request.content):
        raise HttpProblem(403, "Link refused", "link: it was made for other content")
    check_open(snapshot)
    vote = snapshot.vote_of(claims.approver)
    if vote is not None and claims.panel == snapshot.status.panel:
        raise already_answered(vote)
    if claims.panel != snapshot.status.panel:
        raise HttpProblem(410, "Link expired", "link: its time is over, and other approvers were asked")
    if now >= claims.expires:
        raise HttpProblem(410, "Link expired", f"link: it expired at {_utc(claims.expires)}")
    if claims.approver not in snapshot.status.approvers:
        raise HttpProblem(403, "Link refused", "link: its owner is not an approver here")


def check_open(snapshot: GateSnapshot) -> None:
    """Raise `HttpProblem` 409 when the gate is decided, or was closed without a decision."""
    status = snapshot.status
    if status.state != "open" and status.at is not None:
        by = ", ".join(status.by) or "nobody: time ran out, or the quorum could not be reached"
        detail = f"it was decided at {_utc(status.at)}: {status.state}, by {by}"
        members = {"decision": {"state": status.state, "by": list(status.by), "at": status.at.isoformat()}}
        raise HttpProblem(409, "Already decided", detail, members=members)
    if snapshot.over:
        raise HttpProblem(409, "Closed", "the gate was closed without a decision, which rejects")


def check_choice(snapshot: GateSnapshot, choice: Choice) -> None:
    """Raise `HttpProblem` 409 when this gate does not offer the choice."""
    choices = snapshot.gate.request.choices
    if choice not in choices:
        detail = f"decision: {quote(choice)} is not offered, as no further revision can be made: {' or '.join(choices)}"
        raise HttpProblem(409, "Not offered", detail, members={"choices": list(choices)})


def already_answered(vote: Counted) -> HttpProblem:
    """Make the problem for an approver's second answer."""
    detail = f"{vote.by} answered at {_utc(vote.at)}: {vote.choice}. The first answer counts"
    return HttpProblem(409, "Already answered", detail, members={"answer": vote.model_dump(mode="json")})


def _utc(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M:%S} UTC"
