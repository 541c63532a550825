"""One gate under way: what happened at it, what the door may see of it, and what it decided."""

from typing import Any, Literal

from murmuration.contracts.approvals import ApprovalGate, AuditEntry, AuditEvent, Decision, GateStatus, Resolution
from murmuration.durable.context import Context, now, set_status
from murmuration.policy.gates import hash_of

LISTED_IGNORED = 20
"""Who can raise events could raise very many; the audit list has the first and counts the rest."""


class GateState:
    """The mutable part of a gate. Every replay rebuilds it from history, so it holds nothing else."""

    def __init__(self, context: Context, gate: ApprovalGate) -> None:
        self.context = context
        self.gate = gate
        self.asked = hash_of(gate.request.asked)
        self.decision: Decision | None = None
        self._status = GateStatus(expires=now(context))
        self._audit: list[AuditEntry] = []
        self._ignored = 0

    def note(self, event: AuditEvent, who: tuple[str, ...] = (), detail: str = "", comment: str = "") -> None:
        at = now(self.context)
        entry = AuditEntry(at=at, gate=self.gate.id, event=event, who=who, detail=detail, comment=comment)
        self._audit.append(entry)

    def ignore(self, who: str, reason: str) -> None:
        """An event came in this approver's name and does not count."""
        self._ignored += 1
        if self._ignored <= LISTED_IGNORED:
            self.note("ignored", (who,), reason)

    def decide(
        self,
        state: Resolution,
        how: Literal["votes", "expired", "unreachable_quorum"],
        by: tuple[str, ...] = (),
        comment: str = "",
    ) -> Decision:
        """Close the gate, for good."""
        self.note("decided", by, f"{state}: {how}", comment)
        self.decision = Decision(
            gate=self.gate.id,
            asked=self.asked,
            state=state,
            how=how,
            by=by,
            at=now(self.context),
            comment=comment,
            audit=tuple(self._audit),
            unlisted=max(0, self._ignored - LISTED_IGNORED),
        )
        self.show(state=state, by=by, at=self.decision.at)
        return self.decision

    def show(self, **changed: Any) -> None:
        """Change what the door sees."""
        self._status = self._status.model_copy(update=changed)
        set_status(self.context, self._status.model_dump(mode="json"))
