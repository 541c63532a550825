"""The gates of a simulated goal at its end, checked against the votes that people really cast."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from murmuration.contracts.approvals import ApprovalGate, Decision, GateStatus, Vote
from murmuration.policy.gates import hash_of
from simulation.people import People
from simulation.records import EPOCH, Instance
from simulation.virtual_host import VirtualHost


@dataclass
class DecidedGate:
    gate: ApprovalGate
    instance: Instance
    decision: Decision
    votes: list[Vote]
    """All votes that the app has signed and that were raised, for whichever gate."""

    def approves(self, content_hash: str) -> bool:
        return self.decision.state == "approved" and hash_of(self.gate.request.content) == content_hash

    def approved_by(self, seconds: float) -> bool:
        """Whether it was approved at that time or before."""
        return self.decision.state == "approved" and (self.decision.at - EPOCH).total_seconds() <= seconds

    def changes(self) -> Iterator[str]:
        """Report every status after the decision that shows another decision."""
        statuses = [status for status in self.instance.statuses if status and status["state"] != "open"]
        decided = (self.decision.state, list(self.decision.by))
        if any((status["state"], status["by"]) != decided for status in statuses):
            yield f"{self.gate.id} was {[status['state'] for status in statuses]}"
        if [entry.event for entry in self.decision.audit].count("decided") > 1:
            yield f"{self.gate.id} was decided twice"

    def contradictions(self) -> Iterator[str]:
        """Report where the decision is not what the counted votes, or the silence, mean."""
        if self.decision.how == "expired":
            approves = self.gate.request.rules.on_expiry == "approve"
            if (self.decision.state == "approved") != approves:
                yield f"{self.gate.id}: silence means {self.gate.request.rules.on_expiry}, not {self.decision.state}"
            return
        if self.decision.how != "votes":
            return
        quorum = self.gate.request.rules.panels[self._last_panel].quorum
        if self.decision.state == "approved" and len(set(self.decision.by)) < quorum:
            yield f"{self.gate.id}: approved by {self.decision.by}, the quorum is {quorum}"
        opposed = {vote.approver for vote in self._valid_votes if vote.choice != "approve"}
        if self.decision.state != "approved" and not opposed & set(self.decision.by):
            yield f"{self.gate.id}: {self.decision.state} by {self.decision.by}, who did not vote so"

    def unfounded(self) -> Iterator[str]:
        """Report people who are named by the decision but have not voted so, on this content, in time."""
        if self.decision.how != "votes":
            return
        choice = {"approved": "approve", "rejected": "reject", "revise": "revise"}[self.decision.state]
        voters = {
            vote.approver for vote in self._valid_votes if vote.panel == self._last_panel and vote.choice == choice
        }
        if missing := set(self.decision.by) - voters:
            yield f"{self.gate.id}: {self.decision.state}, but {sorted(missing)} have not voted so"

    def unauthorised(self, requester: str) -> Iterator[str]:
        """Report people who are named by the decision but may not decide."""
        rules = self.gate.request.rules
        allowed = {approver for panel in rules.panels for approver in panel.approvers}
        if rules.bar_requester:
            allowed.discard(requester)
        if others := set(self.decision.by) - allowed:
            yield f"{self.gate.id}: decided by {sorted(others)}, who may not"

    @property
    def _valid_votes(self) -> list[Vote]:
        """The votes on this gate and its content that came in time, each in its panel."""
        content_hash = hash_of(self.gate.request.content)
        ends = self._expiries()
        return [
            vote
            for vote in self.votes
            if vote.gate == self.gate.id
            and vote.content_hash == content_hash
            and vote.panel in ends
            and vote.at < ends[vote.panel]
            and vote.choice in self.gate.request.choices
        ]

    @property
    def _last_panel(self) -> int:
        return max(self._expiries(), default=0)

    def _expiries(self) -> dict[int, datetime]:
        """When the time of each panel that was asked ends."""
        statuses = (GateStatus.model_validate(status) for status in self.instance.statuses if status)
        return {status.panel: status.expires for status in statuses}


def decided_gates(host: VirtualHost, people: People) -> list[DecidedGate]:
    """The gates that have ended without an error."""
    return [
        DecidedGate(
            ApprovalGate.model_validate_json(instance.input),
            instance,
            Decision.model_validate(instance.output),
            people.votes,
        )
        for instance in host.instances.values()
        if instance.name == "approval_gate" and instance.output is not None
    ]
