"""The state of one gate: its audit list, the status that the HTTP API reads, and its decision."""

from typing import Any, Literal

from murmuration.contracts.approvals import ApprovalGate, AuditEntry, AuditEvent, Decision, GateStatus, Resolution
from murmuration.durable.workflow import Flow
from murmuration.policy.gates import hash_of

MAX_LISTED_IGNORED = 20
"""Whoever can raise events could raise very many, so the audit list names the first ones and counts the rest."""


class GateState:
    """The mutable part of a gate. Every replay rebuilds it from history, so it holds nothing else."""

    def __init__(self, flow: Flow, gate: ApprovalGate) -> None:
        self.flow = flow
        self.gate = gate
        self.content_hash = hash_of(gate.request.content)
        self.decision: Decision | None = None
        self._status = GateStatus(expires=flow.now)
        self._audit: list[AuditEntry] = []
        self._ignored = 0

    def record(self, event: AuditEvent, who: tuple[str, ...] = (), detail: str = "", comment: str = "") -> None:
        """Add an entry to the audit list."""
        at = self.flow.now
        self._audit.append(AuditEntry(at=at, gate=self.gate.id, event=event, who=who, detail=detail, comment=comment))

    def record_ignored(self, approver: str, reason: str) -> None:
        """Record an event in this approver's name that does not count."""
        self._ignored += 1
        if self._ignored <= MAX_LISTED_IGNORED:
            self.record("ignored", (approver,), reason)

    def decide(
        self,
        resolution: Resolution,
        how: Literal["votes", "expired", "unreachable_quorum"],
        by: tuple[str, ...] = (),
        comment: str = "",
    ) -> Decision:
        """Close the gate for good."""
        self.record("decided", by, f"{resolution}: {how}", comment)
        self.decision = Decision(
            gate=self.gate.id,
            content_hash=self.content_hash,
            state=resolution,
            how=how,
            by=by,
            at=self.flow.now,
            comment=comment,
            audit=tuple(self._audit),
            unlisted=max(0, self._ignored - MAX_LISTED_IGNORED),
        )
        self.publish(state=resolution, by=by, at=self.decision.at)
        return self.decision

    def publish(self, **changed: Any) -> None:
        """Change fields of the gate's status."""
        self._status = self._status.model_copy(update=changed)
        self.flow.set_status(self._status.model_dump(mode="json"))
