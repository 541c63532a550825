"""The people who approve simulated goals, the door that takes their answers, and events that nobody should send."""

import json
import random
from datetime import datetime, timedelta
from typing import Any

from murmuration.contracts.approvals import ApprovalGate, Choice, GateStatus, Vote
from murmuration.policy.gates import event_name, hash_of
from murmuration.policy.links import sign_vote
from simulation.faults import Step
from simulation.virtual_host import EPOCH, Instance, VirtualHost
from simulation.world import SECRET, World

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


class People:
    """They answer at random moments; so do those who send what is no answer."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.host: VirtualHost
        self.votes: list[Vote] = []
        """Those that are genuine, whatever they are about."""

    def perform(self, step: Step, now: float) -> Any:
        return self.world.perform(step, now)

    def began(self, instance: Instance, now: float) -> None:
        if instance.name == "approval_gate":
            self._come_to(ApprovalGate.model_validate_json(instance.given), now)

    def _come_to(self, gate: ApprovalGate, now: float) -> None:
        draw = self.host.faults.of("people", gate.id)
        rules = gate.request.rules
        for number, panel in enumerate(rules.panels):
            for approver in panel.approvers:
                at = now + (number + draw.random() * 1.2) * rules.timeout_seconds
                choice = draw.choice(CHOICES)
                if draw.random() >= SILENT:
                    self.host.at(at, lambda who=approver, what=choice: self._answer(gate, who, what))  # type: ignore[misc]
        for _ in range(draw.choice((0, 1, 2, 3))):
            noise, at = draw.choice(NOISES), now + draw.random() * rules.timeout_seconds
            chance = self.host.faults.of("noise", gate.id, at)
            self.host.at(at, lambda what=noise, by=chance: self._disturb(gate, what, by))  # type: ignore[misc]

    def _moment(self) -> datetime:
        return EPOCH + timedelta(seconds=self.host.now)

    def _status(self, gate: ApprovalGate) -> GateStatus | None:
        """What the gate shows to the door; None when it is decided."""
        instance = self.host.instances[gate.id]
        if instance.ended or instance.status is None:
            return None
        return GateStatus.model_validate(instance.status)

    def vote(self, about: ApprovalGate, **fields: Any) -> Vote:
        """As the door makes it of an answer, now; `fields` are the panel, the approver, the choice and what differs."""
        made = {
            "gate": about.id,
            "asked": hash_of(about.request.asked),
            "id": f"v{len(self.votes)}",
            "at": self._moment(),
            "signature": "",
        }
        vote = sign_vote(SECRET, Vote.model_validate({**made, **fields}))
        self.votes.append(vote)
        return vote

    def _answer(self, gate: ApprovalGate, approver: str, choice: Choice) -> None:
        """Through the door, which takes the answers of those who are asked, in time."""
        status = self._status(gate)
        if status is None or approver not in status.approvers or self._moment() >= status.expires:
            return
        place = status.approvers.index(approver)
        vote = self.vote(gate, panel=status.panel, approver=approver, choice=choice)
        self._raise(gate, event_name(status.panel, place, status.waits[place]), vote.model_dump_json())

    def _raise(self, gate: ApprovalGate, name: str, value: Any) -> None:
        self.host.raise_event(gate.id, name, value)

    def _disturb(self, gate: ApprovalGate, noise: str, draw: random.Random) -> None:
        status = self._status(gate)
        if status is None or not status.approvers:
            return
        self.host.faults.hit(f"event_{noise}")
        place = draw.randrange(len(status.approvers))
        approver, wait = status.approvers[place], status.waits[place]
        name = event_name(status.panel, place, wait + (noise == "early"))
        value = self._noise(gate, status, noise, approver, draw.choice(CHOICES))
        self._raise(gate, name, value if draw.random() < 0.5 else json.dumps(value))
        if noise == "duplicate":
            for number in (wait, wait + 1):
                self._raise(gate, event_name(status.panel, place, number), value)

    def _noise(self, gate: ApprovalGate, status: GateStatus, noise: str, approver: str, choice: Choice) -> Any:
        fields: dict[str, Any] = {"panel": status.panel, "approver": approver, "choice": choice}
        if noise == "malformed":
            return {"choice": choice, "gate": 5}
        if noise == "forged":
            sealed = self.vote(gate, **fields).model_dump(mode="json")
            self.votes.pop()
            return {**sealed, "choice": "approve", "comment": "of course"}
        differs: dict[str, dict[str, Any]] = {
            "late": {"at": status.expires + timedelta(seconds=1)},
            "other_gate": {"gate": "another-gate"},
            "other_panel": {"panel": status.panel + 1},
            "other_content": {"asked": "0" * 64},
            "in_anothers_place": {"approver": gate.request.requester},
        }
        return self.vote(gate, **{**fields, **differs.get(noise, {})}).model_dump(mode="json")
