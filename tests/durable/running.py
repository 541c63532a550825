"""Runs a coroutine as a workflow on the real SDK, in virtual time."""

import asyncio
from collections.abc import Awaitable, Callable, Generator, Sequence
from typing import Any

from murmuration.durable.context import Context
from murmuration.durable.driver import orchestrate
from murmuration.durable.workflow import Flow
from simulation.scripted import Activity, Trace, simulate

Function = Callable[[Flow], Awaitable[Any]]


def step(name: str, value: Any) -> tuple[float, Any]:
    """`wait` takes as many seconds as its input says and returns them; `fail` breaks after a second."""
    if name == "fail":
        return 1.0, RuntimeError("broke")
    return float(value), value


def run(function: Function, events: Sequence[tuple[float, str, Any]] = (), activity: Activity = step) -> Trace:
    """Run to the end; raises what the workflow raises, as the host sees it."""

    def orchestrator(context: Context) -> Generator[Any, Any, Any]:
        return (yield from orchestrate(context, function.__name__, function))

    return simulate(orchestrator, None, activity, events=events)


def seconds(flow: Flow) -> float:
    """The time since the run began."""
    return asyncio.get_running_loop().time()
