"""What an orchestrator's answer means, given its history. Pure.

The real host runs the SDK's list of actions **one top-level action at a time**: it invokes an action, waits
until it has ended, swallows its failure and goes on. What stands behind an action that has not ended is not
scheduled, even though the SDK has moved on. Both sides number what they schedule 0, 1, 2, … in the order of
invocation, and the numbers of both sides must agree. This module does the same.

    decisions = decide(history, reply, now)
    decisions.scheduled     # new TaskScheduled, TimerCreated, SubOrchestrationInstanceCreated and EventSent events
    decisions.ended         # the function has returned or failed, and nothing is open
"""

import json
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from loopback.functions import protocol as wire
from loopback.functions.protocol import Action, Event, Reply
from loopback.functions.replay import action_events as asked
from loopback.functions.replay.pending_actions import Compound, Node, Parent, Retry, ended

KIND_OF = {
    wire.TASK_SCHEDULED: "activity",
    wire.TIMER_CREATED: "timer",
    wire.SUB_CREATED: "sub-orchestration",
    wire.EVENT_SENT: "entity operation",
}
COMPLETES = {
    wire.TASK_COMPLETED: "TaskScheduledId",
    wire.TASK_FAILED: "TaskScheduledId",
    wire.SUB_COMPLETED: "TaskScheduledId",
    wire.SUB_FAILED: "TaskScheduledId",
    wire.TIMER_FIRED: "TimerId",
}
FAILS = {wire.TASK_FAILED, wire.SUB_FAILED}
CHANGED = "Non-Deterministic workflow detected:"


_UNSTAMPED = datetime.fromtimestamp(0, UTC)


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
    """The new input as JSON: a text that holds the SDK's JSON, as everything is that the SDK starts."""
    carried: list[Event] = field(default_factory=list)
    """External events that came after the decision to continue as new: they are for the new execution."""
    ended: bool = False
    """The function has returned, failed or continued as new, and no task is open."""
    suspended: bool = False
    open: int = 0
    """How many tasks have not ended."""


class _Host:
    """The host's side of one replay: it meets the history event by event.

    Activities, timers and sub-orchestrations are open under their number, calls of entities under the name of the
    event that answers them.
    """

    def __init__(self, history: Sequence[Event], reply: Reply, instance: str) -> None:
        self.instance = instance
        self.decisions = Decisions()
        self.open: dict[int | str, Node] = {}
        self.suspended = False
        self._moment = ""
        self._held_back: list[Event] = []
        self._actions = deque(reply.actions)
        self._current: Node | None = None
        self._next_id = 0
        self._known = {event["EventId"]: event for event in history if event["EventType"] in KIND_OF}
        self._waiters: dict[str, list[Node]] = defaultdict(list)
        self._buffered: dict[str, int] = defaultdict(int)

    @property
    def now(self) -> datetime:
        """When the episode began that is being met."""
        return wire.parse_timestamp(self._moment)

    def meet(self, each: Event) -> None:
        """One event of the history; those that the host has decided on itself are in `_known`."""
        kind = each["EventType"]
        if kind in COMPLETES:
            if self.suspended:
                self._held_back.append(each)
                return
            node = self.open.pop(each[COMPLETES[kind]], None)
            if node is not None:
                node.end(failed=kind in FAILS)
                self.advance()
        elif kind == wire.ORCHESTRATOR_STARTED:
            self._moment = each["Timestamp"]
        elif kind == wire.EXECUTION_SUSPENDED:
            self.suspended = True
        elif kind == wire.EXECUTION_RESUMED:
            self.suspended = False
            held_back, self._held_back = self._held_back, []
            for one in held_back:
                self.meet(one)
        elif kind in (wire.EXECUTION_STARTED, wire.EVENT_RAISED):
            if self.suspended:
                self._held_back.append(each)
            elif kind == wire.EXECUTION_STARTED:
                self.advance()
            else:
                self._meet_raised(each)

    def _meet_raised(self, each: Event) -> None:
        name = each["Name"].casefold()
        answered = self.open.pop(each["Name"], None)
        if answered is not None:
            answered.end()
            self.advance()
        elif self._waiters[name]:
            self._waiters[name].pop().end()
            self.advance()
        elif self.decisions.continue_as_new is not None:
            self.decisions.carried.append(each)
        else:
            self._buffered[name] += 1

    def advance(self) -> None:
        """Invoke the next top-level action as long as the one before it has ended."""
        while (self._current is None or self._current.done) and self._actions:
            self._current = self._invoke(self._actions.popleft(), None)

    @property
    def at_end(self) -> bool:
        """Everything has been invoked and has ended."""
        return not (self.suspended or self._actions or self.open) and (self._current is None or self._current.done)

    @property
    def unmet(self) -> list[Event]:
        """What the history says was scheduled and the code, as it is now, does not schedule."""
        return [each for number, each in self._known.items() if number >= self._next_id]

    def _invoke(self, action: Action, parent: Parent | None) -> Node:
        match action["actionType"]:
            case wire.CALL_ACTIVITY | wire.CALL_SUB | wire.CALL_HTTP:
                return self.schedule(parent, action)
            case wire.CALL_ENTITY | wire.SIGNAL_ENTITY:
                return self._send(parent, action)
            case wire.CALL_ACTIVITY_WITH_RETRY | wire.CALL_SUB_WITH_RETRY:
                return Retry(parent, self, action)
            case wire.CREATE_TIMER:
                text, cancelled = action["fireAt"], bool(action.get("isCanceled"))
                return self.set_timer(parent, lambda: wire.parse_timestamp(text), cancelled=cancelled)
            case wire.WAIT_FOR_EVENT:
                return self._wait(parent, action["externalEventName"].casefold())
            case wire.CONTINUE_AS_NEW:
                self.decisions.continue_as_new = json.dumps(action["input"])
                return ended(parent)
            case wire.WHEN_ANY | wire.WHEN_ALL:
                return self._compound(action, parent)
            case other:
                raise UnknownAction(f"action {other} is not available on this host")

    def _compound(self, action: Action, parent: Parent | None) -> Node:
        children = action["compoundActions"]
        if not children:
            return ended(parent)
        node = Compound(parent, 1 if action["actionType"] == wire.WHEN_ANY else len(children))
        for child in children:
            self._invoke(child, node)
        return node

    def schedule(self, parent: Parent | None, action: Action) -> Node:
        """An activity or a sub-orchestration."""
        kind = action["actionType"]
        if kind == wire.CALL_HTTP:
            return self._decide(parent, wire.TASK_SCHEDULED, wire.HTTP_ACTIVITY, lambda: asked.of_http(action))
        name = action["functionName"]
        if kind in (wire.CALL_ACTIVITY, wire.CALL_ACTIVITY_WITH_RETRY):
            return self._decide(parent, wire.TASK_SCHEDULED, name, lambda: asked.of_activity(action))
        return self._decide(parent, wire.SUB_CREATED, name, lambda: asked.of_sub(action))

    def _send(self, parent: Parent | None, action: Action) -> Node:
        """An operation of an entity: a call waits for the event that is named by its id, a signal for nothing."""
        number = self._next_id
        node = self._decide(
            parent, wire.EVENT_SENT, "op", lambda: asked.of_entity(action, self.instance), action["instanceId"]
        )
        del self.open[number]
        if action["actionType"] == wire.SIGNAL_ENTITY:
            node.end()
        else:
            sent = self._known.get(number) or self.decisions.scheduled[-1]
            self.open[json.loads(sent["Input"])["id"]] = node
        return node

    def set_timer(self, parent: Parent | None, due: Callable[[], datetime], *, cancelled: bool = False) -> Node:
        number = self._next_id
        node = self._decide(parent, wire.TIMER_CREATED, None, lambda: {"FireAt": wire.timestamp(due())})
        if cancelled:
            del self.open[number]
            self.decisions.cancelled_timers.add(number)
            node.end(failed=True)
        return node

    def _decide(
        self,
        parent: Parent | None,
        kind: int,
        name: str | None,
        fields: Callable[[], dict[str, Any]],
        entity: str | None = None,
    ) -> Node:
        """The next number is for this; `fields` are made only for what is new."""
        number = self._next_id
        self._next_id += 1
        known = self._known.get(number)
        if known is None:
            named = {} if name is None else {"Name": name}
            made = {**wire.event(kind, _UNSTAMPED, event_id=number), **named, **fields()}
            self.decisions.scheduled.append(made)
        elif (
            known["EventType"] != kind
            or known.get("Name") != name
            or (entity is not None and known["InstanceId"] != entity)
        ):
            got = f"{KIND_OF[kind]} {entity or name or ''}".strip()
            raise NonDeterminism(
                f"{CHANGED} step {number}: the history has {_described(known)}, the code schedules {got}"
            )
        node = Node(parent)
        self.open[number] = node
        return node

    def _wait(self, parent: Parent | None, name: str) -> Node:
        node = Node(parent)
        if self._buffered[name]:
            self._buffered[name] -= 1
            node.end()
        else:
            self._waiters[name].append(node)
        return node


def _described(each: Event) -> str:
    name = each.get("InstanceId") if each["EventType"] == wire.EVENT_SENT else each.get("Name")
    return f"{KIND_OF[each['EventType']]} {name or ''}".strip()


def decide(history: Sequence[Event], reply: Reply, now: datetime, instance: str = "") -> Decisions:
    """What the host does after an episode of `instance` whose history is `history` and whose answer is `reply`.

    `now` stamps the new events. Raises `NonDeterminism` and `UnknownAction`.
    """
    host = _Host(history, reply, instance)
    for event in history:
        host.meet(event)
    if host.unmet:
        known = host.unmet[0]
        expected = f"step {known['EventId']}: the history has {_described(known)}"
        raise NonDeterminism(f"{CHANGED} {expected}, the code schedules nothing")
    stamp = wire.timestamp(now)
    for each in host.decisions.scheduled:
        each["Timestamp"] = stamp
    host.decisions.ended = (reply.is_done or reply.error is not None) and host.at_end
    host.decisions.suspended, host.decisions.open = host.suspended, len(host.open)
    return host.decisions
