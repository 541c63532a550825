"""What the door knows of a gate, and why it may not be answered."""

from dataclasses import dataclass
from datetime import datetime

import azure.durable_functions as df
from azure.durable_functions.models.DurableOrchestrationStatus import DurableOrchestrationStatus

from murmuration.contracts.approvals import ApprovalGate, Counted, GateStatus
from murmuration.http.problems import HttpProblem
from murmuration.http.runs import OVER, as_json, find, state, status_of
from murmuration.policy.gates import gate_id, hash_of
from murmuration.policy.links import Claims

ORCHESTRATOR = "approval_gate"


@dataclass(frozen=True)
class GateSnapshot:
    """A gate as it was when it was looked at."""

    gate: ApprovalGate
    status: GateStatus
    over: bool
    """Its orchestration has ended; without a decision, if it broke or was terminated."""

    def vote_of(self, approver: str) -> Counted | None:
        return next((vote for vote in self.status.votes if vote.by == approver), None)


async def load_gate(client: df.DurableOrchestrationClient, tenant: str, gate: str) -> GateSnapshot:
    """Raises `HttpProblem` 404 when the tenant has no such gate, 409 when it is not open yet."""
    return _snapshot(await find(client, tenant, gate, ORCHESTRATOR))


async def gates_of(client: df.DurableOrchestrationClient, run: str) -> list[GateSnapshot]:
    """All gates of a run, in the order in which they were opened."""
    found: list[GateSnapshot] = []
    while (status := await status_of(client, gate_id(run, len(found) + 1))) is not None and status.custom_status:
        found.append(_snapshot(status))
    return found


def _snapshot(status: DurableOrchestrationStatus) -> GateSnapshot:
    if not status.custom_status:
        raise HttpProblem(409, "Not open", "the gate is not open yet: try again in a moment")
    gate = ApprovalGate.model_validate(as_json(status.input_))
    return GateSnapshot(gate, GateStatus.model_validate(as_json(status.custom_status)), state(status) in OVER)


def check_link(snapshot: GateSnapshot, claims: Claims, now: datetime) -> None:
    """Raises `HttpProblem` when this link can't be answered at `now`: with what was decided, by whom and when."""
    if claims.asked != hash_of(snapshot.gate.request.asked):
        raise HttpProblem(403, "Link refused", "link: it is for something else than what is asked here")
    check_open(snapshot)
    vote = snapshot.vote_of(claims.approver)
    if vote is not None and claims.panel == snapshot.status.panel:
        raise answered_already(vote)
    if claims.panel != snapshot.status.panel:
        raise HttpProblem(410, "Link expired", "link: its time is over, and others are asked now")
    if now >= claims.expires:
        raise HttpProblem(410, "Link expired", f"link: it expired at {_moment(claims.expires)}")
    if claims.approver not in snapshot.status.approvers:
        raise HttpProblem(403, "Link refused", "link: its approver is not asked here")


def check_open(snapshot: GateSnapshot) -> None:
    """Raises `HttpProblem` 409 when the gate is decided, or was closed without a decision."""
    status = snapshot.status
    if status.state != "open" and status.at is not None:
        by = ", ".join(status.by) if status.by else "nobody: the time was over, or the quorum could not be reached"
        detail = f"it was decided at {_moment(status.at)}: {status.state}, by {by}"
        members = {"decision": {"state": status.state, "by": list(status.by), "at": status.at.isoformat()}}
        raise HttpProblem(409, "Already decided", detail, members=members)
    if snapshot.over:
        raise HttpProblem(409, "Closed", "the gate was closed without a decision, which rejects")


def answered_already(vote: Counted) -> HttpProblem:
    detail = f"{vote.by} answered at {_moment(vote.at)}: {vote.choice}. The first answer counts"
    return HttpProblem(409, "Already answered", detail, members={"answer": vote.model_dump(mode="json")})


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"
