"""Random graphs of tasks, and how long they take: eagerly, in waves, and as the orchestrator runs them.

A task is a strand of two steps; each takes a log-normal time. All times are seconds.
"""

import heapq
import random
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import azure.durable_functions as df

from murmuration.contracts.base import Contract
from murmuration.contracts.steps import Done, StepCall
from murmuration.contracts.steps import Step as Row
from murmuration.durable.calls import call
from murmuration.durable.context import Context
from murmuration.durable.flow import Strand, conduct
from murmuration.durable.graph import run_graph
from simulation.faults import Faults, Step
from simulation.virtual_host import Instance, VirtualHost

STEPS = 2


@dataclass(frozen=True)
class Graph:
    steps: tuple[tuple[float, ...], ...]
    """Of each task, how long its steps take."""
    needs: tuple[tuple[int, ...], ...]
    """Of each task, the earlier ones that it waits for."""
    cap: int

    def seconds(self, task: int) -> float:
        return sum(self.steps[task])


def random_graph(draw: random.Random, sizes: tuple[int, int]) -> Graph:
    """At most 5 tasks at once, at most 10, or any number."""
    count = draw.randint(*sizes)
    steps = tuple(tuple(round(draw.lognormvariate(0, 1), 3) + 0.001 for _ in range(STEPS)) for _ in range(count))
    needs = tuple(
        tuple(sorted(draw.sample(range(task), min(task, draw.choice((0, 1, 1, 2, 3)))))) for task in range(count)
    )
    return Graph(steps, needs, draw.choice((5, 10, count)))


def eager_seconds(graph: Graph, among: Sequence[int] | None = None) -> float:
    """Of a scheduler that starts the earliest task in the plan whose inputs are there, the moment a place is free.

    `among`: these tasks alone, as if all they need were there.
    """
    waiting = list(range(len(graph.steps)) if among is None else among)
    done: set[int] = set(range(len(graph.steps))) - set(waiting)
    running: list[tuple[float, int]] = []
    now = 0.0
    while waiting or running:
        ready = [task for task in waiting if done.issuperset(graph.needs[task])]
        for task in ready[: graph.cap - len(running)]:
            waiting.remove(task)
            heapq.heappush(running, (now + graph.seconds(task), task))
        now, ended = heapq.heappop(running)
        done.add(ended)
    return now


def wave_seconds(graph: Graph) -> float:
    """Of a scheduler that goes level by level, and waits for the last task of each."""
    levels: list[int] = []
    for needs in graph.needs:
        levels.append(1 + max((levels[task] for task in needs), default=-1))
    waves = ([task for task, level in enumerate(levels) if level == wave] for wave in range(max(levels) + 1))
    return sum(eager_seconds(graph, wave) for wave in waves)


class Work(Contract):
    task: int
    step: int


WORK = Row("work", Work, Work, attempts=1, timeout_seconds=60)


class _Undisturbed(Faults):
    """Nothing goes wrong, and each step takes as long as the graph says."""

    def __init__(self, graph: Graph) -> None:
        super().__init__("", 0, 0)
        self._graph = graph

    def seconds(self, instance: str, number: int, step: Step) -> float:
        del instance, number
        work = Work.model_validate(step.message["value"])
        return self._graph.steps[work.task][work.step]


class _Worker:
    def perform(self, step: Step, now: float) -> Any:
        del now
        return Done(value=StepCall.model_validate(step.message).value).model_dump(mode="json")

    def began(self, instance: Instance, now: float) -> None:
        """Nobody waits for it."""


def orchestrated_seconds(graph: Graph) -> tuple[float, int]:
    """As `run_graph` runs it on the SDK under the real host's rules: (makespan, episodes)."""
    names = [str(task) for task in range(len(graph.steps))]
    inputs = {name: [str(task) for task in graph.needs[int(name)]] for name in names}

    def strand(context: Context, name: str) -> Strand[str]:
        for step in range(STEPS):
            yield from call(context, WORK, Work(task=int(name), step=step))
        return name

    def orchestrator(context: Context) -> Generator[Any, Any, Any]:
        def begin(name: str, _: Mapping[str, str]) -> Strand[str]:
            return strand(context, name)

        return (yield from conduct(context, run_graph(names, inputs, begin, graph.cap)))

    host = VirtualHost({"graph": df.Orchestrator.create(orchestrator)}, _Worker(), _Undisturbed(graph))
    host.start("graph", "run", {})
    host.run()
    run = host.instances["run"]
    if run.output != {name: name for name in names}:
        raise RuntimeError(f"the graph was not run to its end: {run.error or run.output}")
    return run.told[-1], run.episodes
