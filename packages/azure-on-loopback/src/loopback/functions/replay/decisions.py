"""The host's decisions after an orchestrator's reply, given the instance's history. Pure.

The real host runs the SDK's list of actions **one top-level action at a time**: it invokes an action, waits
until it has ended, swallows its failure and goes on. It does not schedule what stands behind an action that has not
ended, even though the SDK has moved on. Both sides number what they schedule 0, 1, 2, … in the order of invocation,
and the numbers of both sides must agree. This module does the same.

    decisions = decide(history, reply, now)
    decisions.scheduled     # new TaskScheduled, TimerCreated, SubOrchestrationInstanceCreated and EventSent events
    decisions.ended         # the function has returned or failed, and nothing is open
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from loopback.functions import protocol as wire
from loopback.functions.protocol import Event, Reply
from loopback.functions.replay.pending_actions import PendingAction
from loopback.functions.replay.schedule_actions import ActionScheduler


@dataclass
class Decisions:
    """The consequences of one episode."""

    scheduled: list[Event] = field(default_factory=list)
    cancelled_timers: set[int] = field(default_factory=set)
    """The numbers of timers that need not fire."""
    continue_as_new: str | None = None
    """The new input, encoded twice: a JSON text that holds the SDK's JSON."""
    carried: list[Event] = field(default_factory=list)
    """External events that arrived after the decision to continue as new, and are for the new execution."""
    ended: bool = False
    """The function has returned, failed or continued as new, and no task is open."""
    suspended: bool = False
    open: int = 0
    """The number of tasks that have not ended."""


class _Replay:
    """The host's side of one replay: takes the history event by event, and invokes the reply's actions in turn."""

    def __init__(self, history: Sequence[Event], reply: Reply, instance: str) -> None:
        self.scheduler = ActionScheduler(history, instance)
        self.suspended = False
        self.carried: list[Event] = []
        self._held_back: list[Event] = []
        self._actions = deque(reply.actions)
        self._current: PendingAction | None = None

    def take(self, event: Event) -> None:
        """Take one event of the history; the scheduler knows those that record the host's own decisions."""
        kind = event["EventType"]
        if kind == wire.ORCHESTRATOR_STARTED:
            self.scheduler.episode_began = event["Timestamp"]
        elif kind == wire.EXECUTION_SUSPENDED:
            self.suspended = True
        elif kind == wire.EXECUTION_RESUMED:
            self.suspended = False
            held_back, self._held_back = self._held_back, []
            for late in held_back:
                self.take(late)
        elif kind in wire.COMPLETES or kind in (wire.EXECUTION_STARTED, wire.EVENT_RAISED):
            if self.suspended:
                self._held_back.append(event)
            else:
                self._apply(event)

    def _apply(self, event: Event) -> None:
        kind = event["EventType"]
        if kind in wire.COMPLETES:
            action = self.scheduler.open.pop(event[wire.COMPLETES[kind]], None)
            if action is None:
                return
            action.end(failed=kind in wire.FAILS)
        elif kind == wire.EVENT_RAISED and not self.scheduler.deliver(event["Name"]):
            if self.scheduler.continue_as_new is None:
                self.scheduler.buffer(event["Name"])
            else:
                self.carried.append(event)
            return
        self._invoke_next()

    def _invoke_next(self) -> None:
        """Invoke the next top-level action as long as the one before it has ended."""
        while (self._current is None or self._current.done) and self._actions:
            self._current = self.scheduler.invoke(self._actions.popleft())

    @property
    def at_end(self) -> bool:
        """Whether everything has been invoked and has ended."""
        waiting = self.suspended or self._actions or self.scheduler.open
        return not waiting and (self._current is None or self._current.done)


def decide(history: Sequence[Event], reply: Reply, now: datetime, instance: str = "") -> Decisions:
    """Work out what the host does after an episode of `instance` with this history and this reply.

    `now` is the time of the new events. Raises `NonDeterminism` and `UnknownAction`.
    """
    replay = _Replay(history, reply, instance)
    for event in history:
        replay.take(event)
    scheduler = replay.scheduler
    scheduler.check_all_scheduled()
    stamp = wire.timestamp(now)
    for event in scheduler.scheduled:
        event["Timestamp"] = stamp
    return Decisions(
        scheduled=scheduler.scheduled,
        cancelled_timers=scheduler.cancelled_timers,
        continue_as_new=scheduler.continue_as_new,
        carried=replay.carried,
        ended=(reply.is_done or reply.error is not None) and replay.at_end,
        suspended=replay.suspended,
        open=len(scheduler.open),
    )
