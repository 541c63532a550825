"""The people who approve simulated goals, the web page that takes their votes, and events that nobody should send."""

import json
import random
from datetime import timedelta
from typing import Any

from murmuration.contracts.approvals import ApprovalGate, Choice, GateStatus, Vote
from murmuration.policy.gates import event_name, hash_of
from murmuration.policy.links import sign_vote
from simulation.faults import Faults
from simulation.records import Instance
from simulation.virtual_host import VirtualHost
from simulation.world import SECRET

CHOICES: tuple[Choice, ...] = ("approve", "approve", "approve", "approve", "revise", "reject")
NOISES = (
    "duplicate",
    "early",
    "late",
    "forged",
    "malformed",
    "other_gate",
    "other_panel",
    "other_content",
    "in_anothers_place",
)
SILENT = 0.15
"""The share of approvers who never vote."""


class People:
    """Vote at random moments, and disturb the gates with events that are no votes."""

    def __init__(self, host: VirtualHost, faults: Faults) -> None:
        self.votes: list[Vote] = []
        """The votes that the app has signed, for whichever gate."""
        self._host = host
        self._faults = faults
        host.on_start = self._notice

    def _notice(self, instance: Instance) -> None:
        if instance.name == "approval_gate":
            self._plan_votes(ApprovalGate.model_validate_json(instance.input), self._host.now)

    def _plan_votes(self, gate: ApprovalGate, now: float) -> None:
        draw = self._faults.draw("people", gate.id)
        rules = gate.request.rules
        for number, panel in enumerate(rules.panels):
            for approver in panel.approvers:
                at = now + (number + draw.random() * 1.2) * rules.timeout_seconds
                choice = draw.choice(CHOICES)
                if draw.random() >= SILENT:
                    self._host.at(at, lambda who=approver, what=choice: self._vote(gate, who, what))  # type: ignore[misc]
        for _ in range(draw.choice((0, 1, 2, 3))):
            noise, at = draw.choice(NOISES), now + draw.random() * rules.timeout_seconds
            chance = self._faults.draw("noise", gate.id, at)
            self._host.at(at, lambda what=noise, by=chance: self._disturb(gate, what, by))  # type: ignore[misc]

    def _status(self, gate: ApprovalGate) -> GateStatus | None:
        """The status that the gate publishes; None when it is decided."""
        instance = self._host.instances[gate.id]
        if instance.ended or instance.status is None:
            return None
        return GateStatus.model_validate(instance.status)

    def _signed(self, gate: ApprovalGate, /, **fields: Any) -> Vote:
        """A vote that the app signs now; `fields` are panel, approver, choice, and whatever is to differ."""
        values = {
            "gate": gate.id,
            "content_hash": hash_of(gate.request.content),
            "id": f"v{len(self.votes)}",
            "at": self._host.moment,
            "signature": "",
            "comment": f"wish {len(self.votes)} of {gate.id}" if fields["choice"] == "revise" else "",
        }
        vote = sign_vote(SECRET, Vote.model_validate({**values, **fields}))
        self.votes.append(vote)
        return vote

    def _vote(self, gate: ApprovalGate, approver: str, choice: Choice) -> None:
        """Vote on the web page, which takes votes in time, of the panel alone, and offers what the request allows."""
        status = self._status(gate)
        if status is None or approver not in status.approvers or self._host.moment >= status.expires:
            return
        if choice not in gate.request.choices:
            choice = "reject"
        seat = status.approvers.index(approver)
        vote = self._signed(gate, panel=status.panel, approver=approver, choice=choice)
        self._raise(gate, event_name(status.panel, seat, status.waits[seat]), vote.model_dump_json())

    def _raise(self, gate: ApprovalGate, name: str, value: Any) -> None:
        self._host.raise_event(gate.id, name, value)

    def _disturb(self, gate: ApprovalGate, noise: str, draw: random.Random) -> None:
        """Raise an event that must not count."""
        status = self._status(gate)
        if status is None or not status.approvers:
            return
        self._faults.injected[f"event_{noise}"] += 1
        seat = draw.randrange(len(status.approvers))
        approver, wait = status.approvers[seat], status.waits[seat]
        name = event_name(status.panel, seat, wait + (noise == "early"))
        value = self._noise(gate, status, noise, approver, draw.choice(CHOICES))
        self._raise(gate, name, value if draw.random() < 0.5 else json.dumps(value))
        if noise == "duplicate":
            for number in (wait, wait + 1):
                self._raise(gate, event_name(status.panel, seat, number), value)

    def _noise(self, gate: ApprovalGate, status: GateStatus, noise: str, approver: str, choice: Choice) -> Any:
        fields: dict[str, Any] = {"panel": status.panel, "approver": approver, "choice": choice}
        if noise == "malformed":
            return {"choice": choice, "gate": 5}
        if noise == "forged":
            signed = self._signed(gate, **fields).model_dump(mode="json")
            self.votes.pop()
            return {**signed, "choice": "approve", "comment": "of course"}
        differences: dict[str, dict[str, Any]] = {
            "late": {"at": status.expires + timedelta(seconds=1)},
            "other_gate": {"gate": "another-gate"},
            "other_panel": {"panel": status.panel + 1},
            "other_content": {"content_hash": "0" * 64},
            "in_anothers_place": {"approver": gate.request.requester},
        }
        return self._signed(gate, **{**fields, **differences.get(noise, {})}).model_dump(mode="json")
