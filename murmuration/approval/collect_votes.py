"""Ask a panel: notify, remind, listen to each approver and watch the time, side by side."""

from datetime import timedelta
from typing import Literal

from murmuration.approval.gate_state import GateState
from murmuration.contracts.approvals import (
    CHANNELS,
    AuditEvent,
    Channel,
    Counted,
    Notification,
    Panel,
    SignedVote,
    Vote,
)
from murmuration.contracts.steps import NOTIFY_APPROVERS, VERIFY_VOTE
from murmuration.durable.calls import call
from murmuration.durable.context import now
from murmuration.durable.flow import StepFailed, Strand, next_event, side_by_side, sleep
from murmuration.policy.gates import InvalidVote, event_name, read_vote, tally

Kind = Literal["asked", "reminder"]
EVENTS: dict[Kind, tuple[AuditEvent, AuditEvent]] = {
    "asked": ("notified", "not_notified"),
    "reminder": ("reminded", "not_reminded"),
}


def collect_votes(gate: GateState, number: int, panel: Panel) -> Strand[None]:
    """Ends when the gate is decided or the panel's time is over, and what came in time has been verified."""
    asking = PanelSession(gate, number, panel)
    strands = [
        *(asking.listen(place) for place in range(len(panel.approvers))),
        *(asking.notify(channel) for channel in CHANNELS),
        asking.expire(),
    ]
    yield from side_by_side(strands, asking.is_over)


class PanelSession:
    def __init__(self, gate: GateState, number: int, panel: Panel) -> None:
        self._gate = gate
        self._context = gate.context
        self._number = number
        self._panel = panel
        rules = gate.gate.request.rules
        self._timeout = timedelta(seconds=rules.timeout_seconds)
        self._reminds = rules.remind_after < 1
        self._remind = now(self._context) + self._timeout * rules.remind_after
        self._expires = now(self._context) + self._timeout
        self._expired = False
        self._waits = [0] * len(panel.approvers)
        self._verifying = 0
        self._votes: list[Vote] = []
        gate.note("opened", panel.approvers, f"panel {number}, quorum {panel.quorum}")
        gate.show(panel=number, approvers=panel.approvers, quorum=panel.quorum, expires=self._expires)
        self._show()

    def is_over(self) -> bool:
        return self._gate.decision is not None or (self._expired and not self._verifying)

    def expire(self) -> Strand[None]:
        yield from sleep(self._context, self._timeout)
        self._expired = True
        self._gate.note("expired", detail=f"panel {self._number}")

    def listen(self, place: int) -> Strand[None]:
        """Take what comes in one approver's name. The first vote counts, and nothing after it."""
        approver = self._panel.approvers[place]
        while True:
            event = yield from next_event(self._context, event_name(self._number, place, self._waits[place]))
            self._waits[place] += 1
            self._show()
            try:
                vote = read_vote(event, self._gate.gate, self._number, approver, self._expires)
                if any(each.approver == approver for each in self._votes):
                    raise InvalidVote("answered_already")
                yield from self._verify(vote)
            except InvalidVote as reason:
                self._gate.ignore(approver, str(reason))
            else:
                self._votes.append(vote)
                self._gate.note("voted", (approver,), vote.choice, vote.comment)
            self._show()
            self._settle()

    def _verify(self, vote: Vote) -> Strand[None]:
        """Raises `InvalidVote` for a vote that the app has not sealed, or when that can't be found out."""
        self._verifying += 1
        try:
            verified = yield from call(self._context, VERIFY_VOTE, SignedVote(vote=vote))
        except StepFailed as failure:
            raise InvalidVote("not_verified") from failure
        finally:
            self._verifying -= 1
        if not verified.value.valid:
            raise InvalidVote("forged")

    def _settle(self) -> None:
        """Decide, unless a vote that came in is not verified yet: it may be a rejection."""
        found = tally(self._panel, self._votes)
        if found is None or self._verifying:
            return
        state, votes = found
        comment = votes[0].comment if state != "approved" else ""
        self._gate.decide(state, "votes", tuple(vote.approver for vote in votes), comment)

    def notify(self, channel: Channel) -> Strand[None]:
        """Ask, and remind those who have not answered. A channel that fails loses nothing but its message."""
        exists = yield from self._tell(channel, "asked", self._panel.approvers)
        if not (exists and self._reminds):
            return
        yield from sleep(self._context, self._remind - now(self._context))
        answered = {vote.approver for vote in self._votes}
        yield from self._tell(
            channel, "reminder", tuple(approver for approver in self._panel.approvers if approver not in answered)
        )

    def _tell(self, channel: Channel, kind: Kind, approvers: tuple[str, ...]) -> Strand[bool]:
        """Whether there is such a channel."""
        told, not_told = EVENTS[kind]
        try:
            result = yield from call(self._context, NOTIFY_APPROVERS, self._notification(channel, kind, approvers))
        except StepFailed as failure:
            self._gate.note(not_told, approvers, f"{channel}: {failure.code}")
            return True
        notified = result.value
        if notified.sent:
            self._gate.note(told, notified.sent, channel)
        if not notified.configured:
            self._gate.note(not_told, approvers, f"{channel}: not_configured")
        if notified.refused:
            self._gate.note(not_told, notified.refused, f"{channel}: refused")
        return notified.configured

    def _notification(self, channel: Channel, kind: Kind, approvers: tuple[str, ...]) -> Notification:
        gate = self._gate.gate
        return Notification(
            gate=gate.id,
            run=gate.run,
            title=gate.request.title,
            requester=gate.request.requester,
            asked=self._gate.asked,
            panel=self._number,
            approvers=approvers,
            kind=kind,
            expires=self._expires,
            channel=channel,
        )

    def _show(self) -> None:
        counted = (Counted(id=vote.id, by=vote.approver, choice=vote.choice, at=vote.at) for vote in self._votes)
        self._gate.show(waits=tuple(self._waits), votes=tuple(counted))
