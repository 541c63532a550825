"""One orchestrator on the virtual host, its activities answered by a script: for tests, histories and benchmarks."""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import azure.durable_functions as df

from loopback.functions.protocol import Event
from simulation.records import ScheduledStep
from simulation.virtual_host import VERSION, VirtualHost

INSTANCE = "run-1"
Activity = Callable[[str, Any], tuple[float, Any]]
"""(name, input) -> (seconds it takes, its result; an Exception is a failure)."""


@dataclass
class Trace:
    """The course of one run. `started` and `ended` hold (seconds, name, input) of its activities."""

    output: Any = None
    error: str | None = None
    seconds: float = 0.0
    episodes: int = 0
    started: list[tuple[float, str, Any]] = field(default_factory=list)
    ended: list[tuple[float, str, Any]] = field(default_factory=list)
    statuses: list[Any] = field(default_factory=list)
    history: list[Event] = field(default_factory=list)


class _ScriptedWorker:
    def __init__(self, activity: Activity) -> None:
        self._activity = activity
        self.ended: list[tuple[float, str, Any]] = []

    def begin(self, host: VirtualHost, step: ScheduledStep) -> None:
        seconds, result = self._activity(step.name, step.message)
        began = host.moment

        def end() -> None:
            self.ended.append((host.now, step.name, step.message))
            host.complete(step, _timed(step, result, began, host.moment))

        host.at(host.now + seconds, end)


def _timed(step: ScheduledStep, result: Any, began: datetime, ended: datetime) -> Any:
    """Add to a step's outcome what it was for and when it ran, as the runner of steps does."""
    if not (isinstance(result, dict) and "outcome" in result):
        return result
    times = {"began": began.isoformat(), "ended": ended.isoformat()}
    return {**result, "about": step.message["about"], "attempt": step.message["attempt"], **times}


def simulate(
    orchestrator: Callable[[df.DurableOrchestrationContext], Generator[Any, Any, Any]],
    value: Any,
    activity: Activity,
    *,
    events: Sequence[tuple[float, str, Any]] = (),
    version: str = VERSION,
) -> Trace:
    """Run the orchestrator with the input `value` to its end; raises AssertionError when it stops short of it.

    `events` are raised from outside: (seconds from the start, name, value). `activity` also answers for
    sub-orchestrations, by their name and input.
    """
    worker = _ScriptedWorker(activity)
    host = VirtualHost({"simulated": df.Orchestrator.create(orchestrator)}, worker, version=version)
    for seconds, name, event_value in events:
        host.at(seconds, lambda name=name, value=event_value: host.raise_event(INSTANCE, name, value))  # type: ignore[misc]
    run = host.start("simulated", INSTANCE, value)
    host.run()
    if not run.ended:
        raise AssertionError(f"nothing is under way, but the orchestrator has not ended after {run.episodes} episodes")
    return Trace(
        output=run.output,
        error=run.error,
        seconds=run.episode_times[-1],
        episodes=run.episodes,
        started=[(step.scheduled, step.name, step.message) for step in host.steps],
        ended=worker.ended,
        statuses=run.statuses,
        history=run.history,
    )
