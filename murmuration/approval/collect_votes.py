"""Collect the votes of one panel: notify and remind its approvers, and listen to them until time runs out."""

import asyncio
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
from murmuration.durable.errors import StepFailed
from murmuration.policy.gates import InvalidVote, event_name, read_vote, tally

MessageKind = Literal["request", "reminder"]
NOTIFIED: dict[MessageKind, AuditEvent] = {"request": "notified", "reminder": "reminded"}
NOT_NOTIFIED: dict[MessageKind, AuditEvent] = {"request": "not_notified", "reminder": "not_reminded"}


async def collect_votes(state: GateState, number: int, panel: Panel) -> None:
    """Run until the gate is decided, or until the panel's time is over and all votes that came in time are verified."""
    session = PanelSession(state, number, panel)
    async with asyncio.TaskGroup() as group:
        tasks = [
            *(group.create_task(session.listen(index)) for index in range(len(panel.approvers))),
            *(group.create_task(session.notify(channel)) for channel in CHANNELS),
            group.create_task(session.expire()),
        ]
        await session.over.wait()
        for task in tasks:
            task.cancel()


class PanelSession:
    """One panel while it may vote."""

    def __init__(self, state: GateState, number: int, panel: Panel) -> None:
        self._state = state
        self._flow = state.flow
        self._number = number
        self._panel = panel
        rules = state.gate.request.rules
        self._timeout = timedelta(seconds=rules.timeout_seconds)
        self._reminds = rules.remind_after < 1
        self._remind = self._flow.now + self._timeout * rules.remind_after
        self._expires = self._flow.now + self._timeout
        self.over = asyncio.Event()
        """Set when the gate is decided, or the time is over and all votes that came in time are verified."""
        self._expired = False
        self._waits = [0] * len(panel.approvers)
        self._verifying = 0
        self._votes: list[Vote] = []
        state.record("opened", panel.approvers, f"panel {number}, quorum {panel.quorum}")
        state.publish(panel=number, approvers=panel.approvers, quorum=panel.quorum, expires=self._expires)
        self._publish()

    async def expire(self) -> None:
        """Wait until the panel's time is over."""
        await self._flow.sleep(self._timeout)
        self._expired = True
        self._state.record("expired", detail=f"panel {self._number}")
        self._check_over()

    def _check_over(self) -> None:
        if self._state.decision is not None or (self._expired and not self._verifying):
            self.over.set()

    async def listen(self, index: int) -> None:
        """Take the events in one approver's name. The first valid vote counts, and nothing after it."""
        approver = self._panel.approvers[index]
        while True:
            event = await self._flow.event(event_name(self._number, index, self._waits[index]))
            if self.over.is_set():
                return
            self._waits[index] += 1
            self._publish()
            try:
                vote = read_vote(event, self._state.gate, self._number, approver, self._expires)
                if any(counted.approver == approver for counted in self._votes):
                    raise InvalidVote("answered_already")
                await self._verify(vote)
            except InvalidVote as reason:
                self._state.record_ignored(approver, str(reason))
            else:
                self._votes.append(vote)
                self._state.record("voted", (approver,), vote.choice, vote.comment)
            self._publish()
            self._decide_if_settled()
            self._check_over()

    async def _verify(self, vote: Vote) -> None:
        """Raise `InvalidVote` for a vote that the app has not signed, or that can't be verified."""
        self._verifying += 1
        try:
            verified = await call(self._flow, VERIFY_VOTE, SignedVote(vote=vote))
        except StepFailed as failure:
            raise InvalidVote("not_verified") from failure
        finally:
            self._verifying -= 1
        if not verified.value.valid:
            raise InvalidVote("forged")

    def _decide_if_settled(self) -> None:
        """Decide, unless a vote that came in is not verified yet: it may be a rejection."""
        result = tally(self._panel, self._votes)
        if result is None or self._verifying:
            return
        resolution, votes = result
        comment = votes[0].comment if resolution != "approved" else ""
        self._state.decide(resolution, "votes", tuple(vote.approver for vote in votes), comment)

    async def notify(self, channel: Channel) -> None:
        """Send a message, and later a reminder to those who have not answered. A channel that fails stops no gate."""
        configured = await self._send(channel, "request", self._panel.approvers)
        if not (configured and self._reminds):
            return
        await self._flow.sleep(self._remind - self._flow.now)
        answered = {vote.approver for vote in self._votes}
        silent = tuple(approver for approver in self._panel.approvers if approver not in answered)
        await self._send(channel, "reminder", silent)

    async def _send(self, channel: Channel, kind: MessageKind, approvers: tuple[str, ...]) -> bool:
        """Send over one channel, and record the outcome; returns whether the app has such a channel."""
        state = self._state
        try:
            result = await call(self._flow, NOTIFY_APPROVERS, self._notification(channel, kind, approvers))
        except StepFailed as failure:
            state.record(NOT_NOTIFIED[kind], approvers, f"{channel}: {failure.code}")
            return True
        notified = result.value
        if notified.sent:
            state.record(NOTIFIED[kind], notified.sent, channel)
        if not notified.configured:
            state.record(NOT_NOTIFIED[kind], approvers, f"{channel}: not_configured")
        if notified.refused:
            state.record(NOT_NOTIFIED[kind], notified.refused, f"{channel}: refused")
        return notified.configured

    def _notification(self, channel: Channel, kind: MessageKind, approvers: tuple[str, ...]) -> Notification:
        gate = self._state.gate
        return Notification(
            gate=gate.id,
            run=gate.run,
            title=gate.request.title,
            requester=gate.request.requester,
            content_hash=self._state.content_hash,
            panel=self._number,
            approvers=approvers,
            kind=kind,
            expires=self._expires,
            channel=channel,
        )

    def _publish(self) -> None:
        votes = (Counted(id=vote.id, by=vote.approver, choice=vote.choice, at=vote.at) for vote in self._votes)
        self._state.publish(waits=tuple(self._waits), votes=tuple(votes))
