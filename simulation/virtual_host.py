"""A Durable host in virtual time, in one thread and without a store: many instances, real SDK, the real host's rules.

Every episode replays the whole history, as JSON, on the SDK's own engine; what follows from it is decided by the local
host's own `replay.decide`. Activities end, crash and come again as the `Faults` say, on the clock of the simulation.
"""

import functools
import heapq
import importlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from loopback.functions import protocol as wire
from loopback.functions.protocol import Event
from loopback.functions.replay.decisions import NonDeterminism, decide
from simulation.faults import Faults, Step, refusal

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
MAX_EPISODES = 200
"""Of one instance: what has not ended by then does not end."""
REDELIVERY_SECONDS = 5.0
"""After which the work of a lost worker is given to another."""

# Much of a replay is the parsing of dates, which are the same in every episode.
_HISTORY_EVENT: Any = importlib.import_module("azure.durable_functions.models.history.HistoryEvent")
_HISTORY_EVENT.dt_parse = functools.lru_cache(maxsize=100_000)(_HISTORY_EVENT.dt_parse)


class Broken(Exception):
    """A property of the host's replay does not hold: its number, and what was seen."""

    def __init__(self, number: int, what: str) -> None:
        super().__init__(what)
        self.number = number


class World(Protocol):
    def perform(self, step: Step, now: float) -> Any:
        """What the activity returns; its effects happen."""

    def began(self, instance: "Instance", now: float) -> None:
        """An instance has begun."""


@dataclass
class Instance:
    id: str
    name: str
    given: str
    """JSON."""
    parent: tuple[str, int] | None
    history: list[Event] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)
    """What the SDK is sent of the history, event by event, as JSON."""
    inbox: list[Event] = field(default_factory=list)
    actions: list[Any] = field(default_factory=list)
    cancelled: set[int] = field(default_factory=set)
    statuses: list[Any] = field(default_factory=list)
    """The custom status after each episode."""
    told: list[float] = field(default_factory=list)
    """When each episode was."""
    episodes: int = 0
    ended: bool = False
    output: Any = None
    error: str | None = None

    @property
    def status(self) -> Any:
        return self.statuses[-1] if self.statuses else None


class VirtualHost:
    def __init__(self, handles: Mapping[str, Callable[[str], str]], world: World, faults: Faults) -> None:
        self._handles = handles
        self._world = world
        self.faults = faults
        self.now = 0.0
        self.instances: dict[str, Instance] = {}
        self.steps: list[Step] = []
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self._order = 0

    def start(self, name: str, instance: str, given: Any, parent: tuple[str, int] | None = None) -> None:
        begun = Instance(instance, name, json.dumps(given), parent)
        self.instances[instance] = begun
        of = None if parent is None else {"InstanceId": parent[0]}
        started = wire.event(
            wire.EXECUTION_STARTED, self._moment(), Name=name, Version="", Input=begun.given, ParentInstance=of
        )
        begun.inbox.append(started)
        self._world.began(begun, self.now)

    def at(self, seconds: float, do: Callable[[], None]) -> None:
        """Have something happen, counted from the start; what is past happens next."""
        self._order += 1
        heapq.heappush(self._queue, (max(seconds, self.now), self._order, do))

    def raise_event(self, instance: str, name: str, value: Any) -> None:
        """An external event, now; one for an instance that has ended, or is none, is lost."""
        found = self.instances.get(instance)
        if found is not None and not found.ended:
            raised = wire.event(wire.EVENT_RAISED, self._moment(), Name=name, Input=json.dumps(value))
            found.inbox.append(raised)

    def run(self) -> None:
        """Until nothing happens any more. Raises `Broken`."""
        while True:
            ready = [each for each in self.instances.values() if each.inbox and not each.ended]
            for instance in ready:
                self._episode(instance)
            if ready:
                continue
            if not self._queue:
                return
            self.now = self._queue[0][0]
            while self._queue and self._queue[0][0] == self.now:
                heapq.heappop(self._queue)[2]()

    def _moment(self) -> datetime:
        return EPOCH + timedelta(seconds=self.now)

    def _episode(self, instance: Instance) -> None:
        instance.episodes += 1
        if instance.episodes > MAX_EPISODES:
            raise Broken(13, f"{instance.name} has not ended after {MAX_EPISODES} episodes")
        arrived = [wire.event(wire.ORCHESTRATOR_STARTED, self._moment()), *instance.inbox]
        instance.inbox = []
        self._append(instance, arrived)
        text, reply = self._asked(instance)
        if self.faults.restart(instance.id, instance.episodes):
            before = self.recorded(instance)
            self.restart(instance)
            if self.recorded(instance) != before:
                raise Broken(1, f"{instance.name}: of {before} results, {self.recorded(instance)} outlived the host")
            again, reply = self._asked(instance)
            if again != text:
                raise Broken(3, f"{instance.name}, episode {instance.episodes}: another replay says {again[:300]}")
        self._compare(instance, list(reply.actions))
        try:
            decisions = decide(instance.history, reply, self._moment(), instance.id)
        except NonDeterminism as problem:
            raise Broken(2, f"{instance.name}, episode {instance.episodes}: {problem}") from problem
        decided = [*decisions.scheduled, wire.event(wire.ORCHESTRATOR_COMPLETED, self._moment())]
        self._append(instance, decided)
        instance.cancelled |= decisions.cancelled_timers
        instance.statuses.append(reply.custom_status)
        instance.told.append(self.now)
        for each in decisions.scheduled:
            self._schedule(instance, each)
        if decisions.ended:
            self._end(instance, reply.output, reply.error)

    def _append(self, instance: Instance, events: list[Event]) -> None:
        instance.history += events
        instance.sent += [json.dumps(event) for event in events if event["EventType"] not in wire.NOT_SENT]

    def _asked(self, instance: Instance) -> tuple[str, wire.Reply]:
        """The SDK's answer, as text and read."""
        said: list[str] = []

        def handle(body: str) -> str:
            said.append(self._handles[instance.name](body))
            return said[0]

        parent = instance.parent[0] if instance.parent else None
        body = wire.request(
            f"[{','.join(instance.sent)}]", instance=instance.id, parent=parent, input_json=instance.given
        )
        reply = wire.ask(handle, body)
        return (said[0] if said else str(reply.error)), reply

    def restart(self, instance: Instance) -> None:
        """What was in memory is gone; what was committed is read again."""
        instance.history = json.loads(json.dumps(instance.history))
        instance.sent = [json.dumps(event) for event in instance.history if event["EventType"] not in wire.NOT_SENT]

    @staticmethod
    def recorded(instance: Instance) -> int:
        """Results of activities that are in the history."""
        return sum(event["EventType"] in (wire.TASK_COMPLETED, wire.TASK_FAILED) for event in instance.history)

    @staticmethod
    def _compare(instance: Instance, actions: list[Any]) -> None:
        """All that was decided before must be decided again, with the same inputs."""
        for number, (before, after) in enumerate(zip(instance.actions, actions, strict=False)):
            if before != after and _lasting(before) != _lasting(after):
                raise Broken(2, f"{instance.name}, action {number} was {before}, and is {after}")
        if len(actions) < len(instance.actions):
            raise Broken(2, f"{instance.name}: {len(instance.actions)} actions were decided, now {len(actions)}")
        instance.actions = actions

    def _schedule(self, instance: Instance, decided: Event) -> None:
        number, kind = decided["EventId"], decided["EventType"]
        if kind == wire.TASK_SCHEDULED:
            message = json.loads(json.loads(decided["Input"])[0])
            step = Step(instance.id, instance.episodes, decided["Name"], message, self.now)
            self.steps.append(step)
            self._perform_later(instance, number, step, 1)
        elif kind == wire.SUB_CREATED:
            given = json.loads(json.loads(decided["Input"]))  # the SDK encodes it twice
            self.start(decided["Name"], decided["InstanceId"], given, (instance.id, number))
        elif number not in instance.cancelled:
            due = wire.parse_timestamp(decided["FireAt"])
            self.at((due - EPOCH).total_seconds(), lambda: self._fire(instance, number, decided["FireAt"]))

    def _fire(self, instance: Instance, number: int, fire_at: str) -> None:
        if number not in instance.cancelled:
            instance.inbox.append(wire.event(wire.TIMER_FIRED, self._moment(), TimerId=number, FireAt=fire_at))

    def _perform_later(self, instance: Instance, number: int, step: Step, times: int) -> None:
        fate = self.faults.fate(instance.id, number, times)
        seconds = self.faults.seconds(instance.id, number, step) * (100 if fate == "slow" else 1)
        self.at(self.now + seconds, lambda: self._perform(instance, number, step, times, fate))

    def _perform(self, instance: Instance, number: int, step: Step, times: int, fate: str) -> None:
        if fate:
            self.faults.hit(fate)
        if fate == "crash_before":
            self.at(self.now + REDELIVERY_SECONDS, lambda: self._perform_later(instance, number, step, times + 1))
            return
        if fate in ("raised", "rate_limited", "unavailable"):
            result = refusal(fate, self.faults.of("after", instance.id, number, times))
        else:
            step.performed += 1
            result = self._world.perform(step, self.now)
        if fate == "crash_after":
            self.at(self.now + REDELIVERY_SECONDS, lambda: self._perform_later(instance, number, step, times + 1))
            return
        step.delivered, step.result = self.now, result
        instance.inbox.append(_ended(number, self._moment(), result))

    def _end(self, instance: Instance, output: Any, error: str | None) -> None:
        instance.ended, instance.output, instance.error = True, output, error
        if instance.parent is None:
            return
        above, number = self.instances[instance.parent[0]], instance.parent[1]
        if error is None:
            ended = wire.event(wire.SUB_COMPLETED, self._moment(), TaskScheduledId=number, Result=json.dumps(output))
        else:
            ended = wire.event(wire.SUB_FAILED, self._moment(), TaskScheduledId=number, Reason=error, Details="")
        above.inbox.append(ended)


def _lasting(action: Any) -> Any:
    """An action without what may still change of it: whether its timers are cancelled."""
    if "compoundActions" in action:
        return [action["actionType"], *map(_lasting, action["compoundActions"])]
    return {name: value for name, value in action.items() if name != "isCanceled"}


def _ended(number: int, at: datetime, result: Any) -> Event:
    if isinstance(result, Exception):
        return wire.event(wire.TASK_FAILED, at, TaskScheduledId=number, Reason=str(result), Details="")
    return wire.event(wire.TASK_COMPLETED, at, TaskScheduledId=number, Result=json.dumps(result))
