"""A Durable host in virtual time, in one thread and without a store: the real SDK under the real host's rules.

Every episode replays the whole history, as JSON, on the SDK's own engine; the package's own `decide` says what follows
from it. A `Worker` performs the activities, on the clock of the host. `scripted.simulate` runs one orchestrator whose
activities are scripted; `run.simulate_goal` runs many under faults.
"""

import functools
import heapq
import importlib
import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from loopback.functions import protocol as wire
from loopback.functions.protocol import Event
from loopback.functions.replay.decisions import decide
from loopback.functions.replay.schedule_actions import NonDeterminism
from simulation.records import EPOCH, Instance, ScheduledStep, end_event, lasting

MAX_EPISODES = 5_000
"""An instance that has not ended after so many episodes never will."""
_HOST_JSON = json.loads((Path(__file__).resolve().parent.parent / "host.json").read_text(encoding="utf-8"))
VERSION: str = _HOST_JSON["extensions"]["durableTask"]["defaultVersion"]
"""The version that this app gives to new orchestrations."""

# Much of a replay is the parsing of dates, which are the same in every episode.
_HISTORY_EVENT: Any = importlib.import_module("azure.durable_functions.models.history.HistoryEvent")
_HISTORY_EVENT.dt_parse = functools.lru_cache(maxsize=100_000)(_HISTORY_EVENT.dt_parse)


class Violation(Exception):
    """A replay broke a property of `simulation.properties`, of this number."""

    def __init__(self, number: int, what: str) -> None:
        super().__init__(what)
        self.number = number


class Worker(Protocol):
    """Performs activities."""

    def begin(self, host: "VirtualHost", step: ScheduledStep) -> None:
        """Perform the step in virtual time (`host.at`), and pass its result to `host.complete`."""


class VirtualHost:
    """Runs instances of the orchestrators `handles` until nothing happens any more.

    `restarts(instance, episode)` says whether the host dies in that episode, after the replay and before the commit.
    """

    def __init__(
        self,
        handles: Mapping[str, Callable[[str], str]],
        worker: Worker,
        *,
        restarts: Callable[[str, int], bool] = lambda *_: False,
        version: str = VERSION,
        max_episodes: int = MAX_EPISODES,
    ) -> None:
        self.now = 0.0
        """Seconds since `EPOCH`."""
        self.instances: dict[str, Instance] = {}
        self.steps: list[ScheduledStep] = []
        self.on_start: Callable[[Instance], None] = lambda _: None
        self._handles = handles
        self._worker = worker
        self._restarts = restarts
        self._version = version
        self._max_episodes = max_episodes
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self._order = 0

    @property
    def moment(self) -> datetime:
        return EPOCH + timedelta(seconds=self.now)

    def start(self, name: str, instance_id: str, value: Any, parent: tuple[str, int] | None = None) -> Instance:
        """Start an instance of the orchestrator `name` with `value` as its input."""
        instance = Instance(instance_id, name, json.dumps(value), parent)
        self.instances[instance_id] = instance
        started = wire.event(
            wire.EXECUTION_STARTED,
            self.moment,
            Name=name,
            Version=self._version,
            Input=instance.input,
            ParentInstance=None if parent is None else {"InstanceId": parent[0]},
        )
        instance.inbox.append(started)
        self.on_start(instance)
        return instance

    def at(self, seconds: float, happens: Callable[[], None]) -> None:
        """Call `happens` so many seconds after `EPOCH`; at once when that has passed."""
        self._order += 1
        heapq.heappush(self._queue, (max(seconds, self.now), self._order, happens))

    def raise_event(self, instance_id: str, name: str, value: Any) -> None:
        """Raise an external event now. It is lost when there is no such instance, or when it has ended."""
        instance = self.instances.get(instance_id)
        if instance is not None and not instance.ended:
            raised = wire.event(wire.EVENT_RAISED, self.moment, Name=name, Input=json.dumps(value))
            instance.inbox.append(raised)

    def complete(self, step: ScheduledStep, result: Any) -> None:
        """Deliver the result of a step; an Exception is a failure."""
        step.delivered, step.result = self.now, result
        self.instances[step.instance].inbox.append(end_event(step.kind, step.number, self.moment, result))

    def run(self) -> None:
        """Run until nothing happens any more; raises `Violation`."""
        while True:
            ready = [instance for instance in self.instances.values() if instance.inbox and not instance.ended]
            for instance in ready:
                self._run_episode(instance)
            if ready:
                continue
            if not self._queue:
                return
            self.now = self._queue[0][0]
            while self._queue and self._queue[0][0] == self.now:
                heapq.heappop(self._queue)[2]()

    def _run_episode(self, instance: Instance) -> None:
        instance.episodes += 1
        if instance.episodes > self._max_episodes:
            raise Violation(13, f"{instance.name} has not ended after {self._max_episodes} episodes")
        instance.append([wire.event(wire.ORCHESTRATOR_STARTED, self.moment), *instance.inbox])
        instance.inbox = []
        text, reply = self._replay(instance)
        if self._restarts(instance.id, instance.episodes):
            reply = self._replay_after_restart(instance, text)
        _compare(instance, list(reply.actions))
        try:
            decisions = decide(instance.history, reply, self.moment, instance.id)
        except NonDeterminism as problem:
            raise Violation(2, f"{instance.name}, episode {instance.episodes}: {problem}") from problem
        instance.append([*decisions.scheduled, wire.event(wire.ORCHESTRATOR_COMPLETED, self.moment)])
        instance.cancelled_timers |= decisions.cancelled_timers
        instance.statuses.append(reply.custom_status)
        instance.episode_times.append(self.now)
        for event in decisions.scheduled:
            self._schedule(instance, event)
        if decisions.ended:
            self._end(instance, reply.output, reply.error)

    def _replay(self, instance: Instance) -> tuple[str, wire.Reply]:
        """The SDK's answer, as text and parsed."""
        texts: list[str] = []

        def handle(body: str) -> str:
            texts.append(self._handles[instance.name](body))
            return texts[0]

        parent = instance.parent[0] if instance.parent else None
        history = f"[{','.join(instance.sent)}]"
        body = wire.request(history, instance=instance.id, parent=parent, input_json=instance.input)
        reply = wire.ask(handle, body)
        return (texts[0] if texts else str(reply.error)), reply

    def _replay_after_restart(self, instance: Instance, text: str) -> wire.Reply:
        before = instance.results
        self.restart(instance)
        if instance.results != before:
            raise Violation(1, f"{instance.name}: {instance.results} of {before} results outlived the host")
        again, reply = self._replay(instance)
        if again != text:
            raise Violation(3, f"{instance.name}, episode {instance.episodes}: another replay says {again[:300]}")
        return reply

    def restart(self, instance: Instance) -> None:
        """Lose the memory of the host, and read again what was committed."""
        instance.reload()

    def _schedule(self, instance: Instance, event: Event) -> None:
        number, kind = event["EventId"], event["EventType"]
        if kind == wire.TIMER_CREATED:
            due = wire.parse_timestamp(event["FireAt"])
            self.at((due - EPOCH).total_seconds(), lambda: self._fire(instance, number, event["FireAt"]))
            return
        text = json.loads(event["Input"])
        value = json.loads(text[0] if kind == wire.TASK_SCHEDULED else text)
        if kind == wire.SUB_CREATED and event["Name"] in self._handles:
            self.start(event["Name"], event["InstanceId"], value, (instance.id, number))
            return
        step = ScheduledStep(instance.id, number, kind, instance.episodes, event["Name"], value, self.now)
        self.steps.append(step)
        self._worker.begin(self, step)

    def _fire(self, instance: Instance, number: int, fire_at: str) -> None:
        if number not in instance.cancelled_timers:
            instance.inbox.append(wire.event(wire.TIMER_FIRED, self.moment, TimerId=number, FireAt=fire_at))

    def _end(self, instance: Instance, output: Any, error: str | None) -> None:
        instance.ended, instance.output, instance.error = True, output, error
        if instance.parent is not None:
            parent, number = self.instances[instance.parent[0]], instance.parent[1]
            result = output if error is None else RuntimeError(error)
            parent.inbox.append(end_event(wire.SUB_CREATED, number, self.moment, result))


def _compare(instance: Instance, actions: list[Any]) -> None:
    """Raise `Violation` unless all earlier actions are decided again, with the same inputs."""
    for number, (before, after) in enumerate(zip(instance.actions, actions, strict=False)):
        if before != after and lasting(before) != lasting(after):
            raise Violation(2, f"{instance.name}, action {number} was {before}, and is {after}")
    if len(actions) < len(instance.actions):
        raise Violation(2, f"{instance.name}: {len(instance.actions)} actions were decided, now {len(actions)}")
    instance.actions = actions
