"""Invokes a reply's actions: numbers what they schedule, and compares that with the decisions in the history."""

import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from loopback.functions import protocol as wire
from loopback.functions.protocol import Action, Event
from loopback.functions.replay import action_events
from loopback.functions.replay.pending_actions import (
    CompoundAction,
    Parent,
    PendingAction,
    RetriedAction,
    ended_action,
)

CHANGED = "Non-Deterministic workflow detected:"

_NO_TIME = datetime.fromtimestamp(0, UTC)
"""The time of new events until `decide` sets it."""


class NonDeterminism(Exception):
    """The code schedules something else than it did when the history was recorded."""


class UnknownAction(Exception):
    """The orchestrator uses a feature that this host does not have."""


class ActionScheduler:
    """The work of one instance: the decisions of its history, and those that its reply adds."""

    def __init__(self, history: Sequence[Event], instance: str) -> None:
        self.scheduled: list[Event] = []
        """Decisions that the history does not have."""
        self.cancelled_timers: set[int] = set()
        self.continue_as_new: str | None = None
        """The new input, encoded twice: a JSON text that holds the SDK's JSON."""
        self.open: dict[int | str, PendingAction] = {}
        """Activities, timers and sub-orchestrations by their number, calls of entities by the event that answers."""
        self.episode_began = ""
        """The timestamp of the episode whose events are being replayed."""
        self._instance = instance
        self._next_id = 0
        self._recorded = {event["EventId"]: event for event in history if event["EventType"] in wire.KIND_OF}
        self._waiters: dict[str, list[PendingAction]] = defaultdict(list)
        self._buffered: dict[str, int] = defaultdict(int)

    @property
    def now(self) -> datetime:
        return wire.parse_timestamp(self.episode_began)

    def invoke(self, action: Action, parent: Parent | None = None) -> PendingAction:
        match action["actionType"]:
            case wire.CALL_ACTIVITY | wire.CALL_SUB | wire.CALL_HTTP:
                return self.schedule(parent, action)
            case wire.CALL_ENTITY | wire.SIGNAL_ENTITY:
                return self._send(parent, action)
            case wire.CALL_ACTIVITY_WITH_RETRY | wire.CALL_SUB_WITH_RETRY:
                return RetriedAction(parent, self, action)
            case wire.CREATE_TIMER:
                text, cancelled = action["fireAt"], bool(action.get("isCanceled"))
                return self.set_timer(parent, lambda: wire.parse_timestamp(text), cancelled=cancelled)
            case wire.WAIT_FOR_EVENT:
                return self._wait(parent, action["externalEventName"].casefold())
            case wire.CONTINUE_AS_NEW:
                self.continue_as_new = json.dumps(action["input"])
                return ended_action(parent)
            case wire.WHEN_ANY | wire.WHEN_ALL:
                return self._compound(action, parent)
            case other:
                raise UnknownAction(f"action {other} is not available on this host")

    def deliver(self, name: str) -> bool:
        """End the action that waits for this event; return whether there is one."""
        entity_call = self.open.pop(name, None)
        if entity_call is not None:
            entity_call.end()
        elif self._waiters[name.casefold()]:
            self._waiters[name.casefold()].pop().end()
        else:
            return False
        return True

    def buffer(self, name: str) -> None:
        """Keep an event until an action waits for it."""
        self._buffered[name.casefold()] += 1

    def check_all_scheduled(self) -> None:
        """Raise `NonDeterminism` at the history's first decision that today's code does not make."""
        for number, event in self._recorded.items():
            if number >= self._next_id:
                expected = f"step {number}: the history has {wire.describe_decision(event)}"
                raise NonDeterminism(f"{CHANGED} {expected}, the code schedules nothing")

    def _compound(self, action: Action, parent: Parent | None) -> PendingAction:
        children = action["compoundActions"]
        if not children:
            return ended_action(parent)
        compound = CompoundAction(parent, 1 if action["actionType"] == wire.WHEN_ANY else len(children))
        for child in children:
            self.invoke(child, compound)
        return compound

    def schedule(self, parent: Parent | None, action: Action) -> PendingAction:
        """Schedule an activity or a sub-orchestration."""
        kind = action["actionType"]
        if kind == wire.CALL_HTTP:
            fields = action_events.http_fields
            return self._decide(parent, wire.TASK_SCHEDULED, wire.HTTP_ACTIVITY, lambda: fields(action))
        name = action["functionName"]
        if kind in (wire.CALL_ACTIVITY, wire.CALL_ACTIVITY_WITH_RETRY):
            return self._decide(parent, wire.TASK_SCHEDULED, name, lambda: action_events.activity_fields(action))
        return self._decide(parent, wire.SUB_CREATED, name, lambda: action_events.sub_orchestration_fields(action))

    def _send(self, parent: Parent | None, action: Action) -> PendingAction:
        """Send an operation to an entity: a call waits for the event that its id names, a signal for nothing."""
        number, entity = self._next_id, action["instanceId"]
        operation = self._decide(
            parent, wire.EVENT_SENT, "op", lambda: action_events.entity_fields(action, self._instance), entity
        )
        del self.open[number]
        if action["actionType"] == wire.SIGNAL_ENTITY:
            operation.end()
        else:
            sent = self._recorded.get(number) or self.scheduled[-1]
            self.open[json.loads(sent["Input"])["id"]] = operation
        return operation

    def set_timer(
        self, parent: Parent | None, due: Callable[[], datetime], *, cancelled: bool = False
    ) -> PendingAction:
        number = self._next_id
        timer = self._decide(parent, wire.TIMER_CREATED, None, lambda: {"FireAt": wire.timestamp(due())})
        if cancelled:
            del self.open[number]
            self.cancelled_timers.add(number)
            timer.end(failed=True)
        return timer

    def _decide(
        self,
        parent: Parent | None,
        kind: int,
        name: str | None,
        fields: Callable[[], dict[str, Any]],
        entity: str | None = None,
    ) -> PendingAction:
        """Give the next number to a decision; `fields` is called only if the history does not have it."""
        number = self._next_id
        self._next_id += 1
        recorded = self._recorded.get(number)
        if recorded is None:
            name_field = {} if name is None else {"Name": name}
            self.scheduled.append({**wire.event(kind, _NO_TIME, event_id=number), **name_field, **fields()})
        elif (
            recorded["EventType"] != kind
            or recorded.get("Name") != name
            or (entity is not None and recorded["InstanceId"] != entity)
        ):
            expected = wire.describe_decision(recorded)
            made = f"{wire.KIND_OF[kind]} {entity or name or ''}".strip()
            raise NonDeterminism(f"{CHANGED} step {number}: the history has {expected}, the code schedules {made}")
        action = self.open[number] = PendingAction(parent)
        return action

    def _wait(self, parent: Parent | None, name: str) -> PendingAction:
        waiter = PendingAction(parent)
        if self._buffered[name]:
            self._buffered[name] -= 1
            waiter.end()
        else:
            self._waiters[name].append(waiter)
        return waiter
