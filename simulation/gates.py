"""A gate of a simulated goal at its end, judged by what people have really said."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from murmuration.contracts.approvals import ApprovalGate, Decision, GateStatus, Vote
from murmuration.policy.gates import hash_of
from simulation.people import People
from simulation.virtual_host import EPOCH, Instance, VirtualHost


@dataclass
class Judged:
    gate: ApprovalGate
    instance: Instance
    decision: Decision
    votes: list[Vote]
    """All that the app has sealed and that were raised, about whatever."""

    @property
    def _fitting(self) -> list[Vote]:
        """Those that are about this gate and its content, and in time, each in its panel."""
        asked = hash_of(self.gate.request.asked)
        ends = self._expiries()
        return [
            vote
            for vote in self.votes
            if vote.gate == self.gate.id and vote.asked == asked and vote.panel in ends and vote.at < ends[vote.panel]
        ]

    def _expiries(self) -> dict[int, datetime]:
        shown = (GateStatus.model_validate(status) for status in self.instance.statuses if status)
        return {each.panel: each.expires for each in shown}

    @property
    def _panel(self) -> int:
        """The one that was asked last."""
        return max(self._expiries(), default=0)

    def approves(self, asked: str) -> bool:
        return self.decision.state == "approved" and hash_of(self.gate.request.asked) == asked

    def approved_by(self, seconds: float) -> bool:
        return self.decision.state == "approved" and (self.decision.at - EPOCH).total_seconds() <= seconds

    def changes(self) -> Iterator[str]:
        """What was shown after the decision, and is another one."""
        shown = [status for status in self.instance.statuses if status and status["state"] != "open"]
        if any((each["state"], each["by"]) != (self.decision.state, list(self.decision.by)) for each in shown):
            yield f"{self.gate.id} was {[each['state'] for each in shown]}"
        if [entry.event for entry in self.decision.audit].count("decided") > 1:
            yield f"{self.gate.id} was decided twice"

    def misjudged(self) -> Iterator[str]:
        """Where the decision is not what the counted votes say."""
        if self.decision.how == "expired":
            approves = self.gate.request.rules.on_expiry == "approve"
            if (self.decision.state == "approved") != approves:
                yield f"{self.gate.id}: silence means {self.gate.request.rules.on_expiry}, not {self.decision.state}"
            return
        if self.decision.how != "votes":
            return
        quorum = self.gate.request.rules.panels[self._panel].quorum
        if self.decision.state == "approved" and len(set(self.decision.by)) < quorum:
            yield f"{self.gate.id}: approved by {self.decision.by}, the quorum is {quorum}"
        stopped = {vote.approver for vote in self._fitting if vote.choice != "approve"}
        if self.decision.state != "approved" and not stopped & set(self.decision.by):
            yield f"{self.gate.id}: {self.decision.state} by {self.decision.by}, who did not say so"

    def unfounded(self) -> Iterator[str]:
        """Approvers who have not approved this, here, in time."""
        if self.decision.how != "votes":
            return
        wanted = {"approved": "approve", "rejected": "reject", "revise": "revise"}[self.decision.state]
        said = {vote.approver for vote in self._fitting if vote.panel == self._panel and vote.choice == wanted}
        if missing := set(self.decision.by) - said:
            yield f"{self.gate.id}: {self.decision.state}, but {sorted(missing)} have not said so"

    def unauthorised(self, requester: str) -> Iterator[str]:
        rules = self.gate.request.rules
        allowed = {approver for panel in rules.panels for approver in panel.approvers}
        if rules.bar_requester:
            allowed.discard(requester)
        if others := set(self.decision.by) - allowed:
            yield f"{self.gate.id}: decided by {sorted(others)}, who may not"


def gates_of(host: VirtualHost, people: People) -> list[Judged]:
    """Those that have ended well."""
    return [
        Judged(
            ApprovalGate.model_validate_json(instance.given),
            instance,
            Decision.model_validate(instance.output),
            people.votes,
        )
        for instance in host.instances.values()
        if instance.name == "approval_gate" and instance.output is not None
    ]
