"""What an orchestrator's answer means, given its history. Pure.

The real host runs the SDK's list of actions **one top-level action at a time**: it invokes an action, waits
until it has ended, swallows its failure and goes on. What stands behind an action that has not ended is not
scheduled, even though the SDK has moved on. Both sides number what they schedule 0, 1, 2, … in the order of
invocation, and the numbers of both sides must agree. This module does the same.

    decisions = decide(history, reply, now)
    decisions.scheduled     # new TaskScheduled / TimerCreated / SubOrchestrationInstanceCreated events
    decisions.ended         # the function has returned or failed, and nothing is open
"""

import json
from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from local.functions_host import protocol as wire
from local.functions_host.protocol import Action, Event, Reply

KIND_OF = {wire.TASK_SCHEDULED: "activity", wire.TIMER_CREATED: "timer", wire.SUB_CREATED: "sub-orchestration"}
COMPLETES = {
    wire.TASK_COMPLETED: "TaskScheduledId",
    wire.TASK_FAILED: "TaskScheduledId",
    wire.SUB_COMPLETED: "TaskScheduledId",
    wire.SUB_FAILED: "TaskScheduledId",
    wire.TIMER_FIRED: "TimerId",
}
FAILS = {wire.TASK_FAILED, wire.SUB_FAILED}


class NonDeterminism(Exception):
    """The code schedules something else than it did when the history was made."""


class UnknownAction(Exception):
    """The orchestrator uses what this host does not have."""


@dataclass
class Decisions:
    """What follows from one episode."""

    scheduled: list[Event] = field(default_factory=list)
    cancelled_timers: set[int] = field(default_factory=set)
    """Of all timers: those that need not fire."""
    continue_as_new: str | None = None
    """The new input as JSON."""
    ended: bool = False
    """The function has returned, failed or continued as new, and no task is open."""


class _Node:
    """An action under way. `parent` hears when it has ended."""

    def __init__(self, parent: "_Compound | _Retry | None") -> None:
        self.parent = parent
        self.done = False

    def end(self, *, failed: bool = False) -> None:
        if self.done:
            return
        self.done = True
        if self.parent is not None:
            self.parent.child_ended(failed)


class _Compound(_Node):
    def __init__(self, parent: "_Compound | _Retry | None", needed: int) -> None:
        super().__init__(parent)
        self._missing = needed

    def child_ended(self, _failed: bool) -> None:
        self._missing -= 1
        if self._missing == 0:
            self.end()


class _Retry(_Node):
    """fail -> timer -> again …; after the last failure one more timer, as the real host has it."""

    def __init__(self, parent: "_Compound | _Retry | None", host: "_Host", action: Action) -> None:
        super().__init__(parent)
        self._host = host
        self._action = action
        self._attempts = 1
        self._pausing = False
        options = action["retryOptions"]
        self._limit = int(options["maxNumberOfAttempts"])
        self._pause = timedelta(milliseconds=options["firstRetryIntervalInMilliseconds"])
        host.schedule(self, action)

    def child_ended(self, failed: bool) -> None:
        if self._pausing:
            self._pausing = False
            if self._attempts >= self._limit:
                self.end(failed=True)
                return
            self._attempts += 1
            self._host.schedule(self, self._action)
        elif failed:
            self._pausing = True
            last = self._attempts >= self._limit
            self._host.set_timer(self, self._host.now + (timedelta(0) if last else self._pause))
        else:
            self.end()


class _Host:
    """The host's side of one replay: it meets the history event by event."""

    def __init__(self, history: Sequence[Event], reply: Reply, now: datetime) -> None:
        self.now = now
        self.decisions = Decisions()
        self.open: dict[int, _Node] = {}
        self._actions = deque(reply.actions)
        self._current: _Node | None = None
        self._next_id = 0
        self._known = {each["EventId"]: each for each in history if each["EventType"] in KIND_OF}
        self._waiters: dict[str, list[_Node]] = defaultdict(list)
        self._buffered: dict[str, int] = defaultdict(int)

    def meet(self, each: Event) -> None:
        kind = each["EventType"]
        if kind == wire.ORCHESTRATOR_STARTED:
            self.now = wire.parse_timestamp(each["Timestamp"])
        elif kind == wire.EXECUTION_STARTED:
            self.advance()
        elif kind in COMPLETES:
            node = self.open.pop(each[COMPLETES[kind]], None)
            if node is not None:
                node.end(failed=kind in FAILS)
                self.advance()
        elif kind == wire.EVENT_RAISED:
            name = each["Name"].casefold()
            if self._waiters[name]:
                self._waiters[name].pop().end()
                self.advance()
            else:
                self._buffered[name] += 1

    def advance(self) -> None:
        """Invoke the next top-level action as long as the one before it has ended."""
        while (self._current is None or self._current.done) and self._actions:
            self._current = self._invoke(self._actions.popleft(), None)

    @property
    def at_end(self) -> bool:
        return not self._actions and (self._current is None or self._current.done)

    @property
    def unmet(self) -> list[Event]:
        """What the history says was scheduled and the code, as it is now, does not schedule."""
        return [each for number, each in self._known.items() if number >= self._next_id]

    def _invoke(self, action: Action, parent: _Compound | _Retry | None) -> _Node:
        match action["actionType"]:
            case wire.CALL_ACTIVITY | wire.CALL_SUB:
                return self.schedule(parent, action)
            case wire.CALL_ACTIVITY_WITH_RETRY | wire.CALL_SUB_WITH_RETRY:
                return _Retry(parent, self, action)
            case wire.CREATE_TIMER:
                due = wire.parse_timestamp(action["fireAt"])
                return self.set_timer(parent, due, cancelled=bool(action.get("isCanceled")))
            case wire.WAIT_FOR_EVENT:
                return self._wait(parent, action["externalEventName"].casefold())
            case wire.CONTINUE_AS_NEW:
                self.decisions.continue_as_new = action["input"]
                return _ended(parent)
            case wire.WHEN_ANY | wire.WHEN_ALL:
                return self._compound(action, parent)
            case other:
                name = wire.ACTION_NAMES.get(other, f"action {other}")
                raise UnknownAction(f"{name} is not available on this host")

    def _compound(self, action: Action, parent: _Compound | _Retry | None) -> _Node:
        children = action["compoundActions"]
        if not children:
            return _ended(parent)
        node = _Compound(parent, 1 if action["actionType"] == wire.WHEN_ANY else len(children))
        for child in children:
            self._invoke(child, node)
        return node

    def schedule(self, parent: _Compound | _Retry | None, action: Action) -> _Node:
        """An activity or a sub-orchestration."""
        activity = action["actionType"] in (wire.CALL_ACTIVITY, wire.CALL_ACTIVITY_WITH_RETRY)
        kind = wire.TASK_SCHEDULED if activity else wire.SUB_CREATED
        fields = {"Name": action["functionName"], "Version": "", "Input": action.get("input")}
        if not activity:
            fields["InstanceId"] = action.get("instanceId")
        return self._decide(parent, kind, fields)

    def set_timer(self, parent: _Compound | _Retry | None, due: datetime, *, cancelled: bool = False) -> _Node:
        number = self._next_id
        node = self._decide(parent, wire.TIMER_CREATED, {"FireAt": wire.timestamp(due)})
        if cancelled:
            del self.open[number]
            self.decisions.cancelled_timers.add(number)
            node.end(failed=True)
        return node

    def _decide(self, parent: _Compound | _Retry | None, kind: int, fields: dict[str, Any]) -> _Node:
        number = self._next_id
        self._next_id += 1
        known = self._known.get(number)
        if known is None:
            self.decisions.scheduled.append(wire.event(kind, self.now, event_id=number, **fields))
        elif known["EventType"] != kind or known.get("Name") != fields.get("Name"):
            expected = _described(known)
            got = _described({"EventType": kind, **fields})
            raise NonDeterminism(f"step {number}: the history has {expected}, the code schedules {got}")
        node = _Node(parent)
        self.open[number] = node
        return node

    def _wait(self, parent: _Compound | _Retry | None, name: str) -> _Node:
        node = _Node(parent)
        if self._buffered[name]:
            self._buffered[name] -= 1
            node.end()
        else:
            self._waiters[name].append(node)
        return node


def _ended(parent: _Compound | _Retry | None) -> _Node:
    node = _Node(parent)
    node.end()
    return node


def _described(each: Event) -> str:
    return f"{KIND_OF[each['EventType']]} {each.get('Name') or ''}".strip()


def decide(history: Sequence[Event], reply: Reply, now: datetime) -> Decisions:
    """What the host does after an episode whose history is `history` and whose answer is `reply`.

    `now` stamps the new events. Raises `NonDeterminism` and `UnknownAction`.
    """
    host = _Host(history, reply, now)
    for each in history:
        host.meet(each)
    if host.unmet:
        known = host.unmet[0]
        expected = f"step {known['EventId']}: the history has {_described(known)}"
        raise NonDeterminism(f"{expected}, the code schedules nothing")
    for each in host.decisions.scheduled:
        each["Timestamp"] = wire.timestamp(now)
    host.decisions.ended = (reply.is_done or reply.error is not None) and host.at_end and not host.open
    return host.decisions


def slim(history: Sequence[Event]) -> str:
    """The history as the SDK is sent it."""
    return json.dumps([each for each in history if each["EventType"] not in wire.NOT_SENT])
