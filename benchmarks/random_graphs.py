"""Random graphs of tasks, and how long they take: eagerly, in waves, and as the orchestrator runs them.

A task has two steps, and each takes a log-normal time. All times are seconds.
"""

import asyncio
import heapq
import random
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from murmuration.contracts.base import Contract
from murmuration.contracts.steps import Done, Step
from murmuration.durable.calls import call
from murmuration.durable.context import Context
from murmuration.durable.driver import orchestrate
from murmuration.durable.graph import run_graph
from murmuration.durable.workflow import Flow
from simulation.scripted import simulate

STEPS = 2


@dataclass(frozen=True)
class Graph:
    steps: tuple[tuple[float, ...], ...]
    """The duration of every step, by task."""
    needs: tuple[tuple[int, ...], ...]
    """The earlier tasks that a task waits for, by task."""
    cap: int

    def seconds(self, task: int) -> float:
        return sum(self.steps[task])


def random_graph(draw: random.Random, sizes: tuple[int, int]) -> Graph:
    """A graph of `sizes` tasks, from and to; 5, 10 or all of them may run at once."""
    count = draw.randint(*sizes)
    steps = tuple(tuple(round(draw.lognormvariate(0, 1), 3) + 0.001 for _ in range(STEPS)) for _ in range(count))
    needs = tuple(
        tuple(sorted(draw.sample(range(task), min(task, draw.choice((0, 1, 1, 2, 3)))))) for task in range(count)
    )
    return Graph(steps, needs, draw.choice((5, 10, count)))


def eager_seconds(graph: Graph, among: Sequence[int] | None = None) -> float:
    """The makespan of a scheduler that starts each task the moment it may; of those that are ready, the longest so.

    `among`: these tasks alone, as if everything they need had been done.
    """
    waiting = list(range(len(graph.steps)) if among is None else among)
    done: set[int] = set(range(len(graph.steps))) - set(waiting)
    queue: list[int] = []
    running: list[tuple[float, int]] = []
    now = 0.0
    while waiting or queue or running:
        ready = [task for task in waiting if done.issuperset(graph.needs[task])]
        waiting = [task for task in waiting if task not in ready]
        queue += ready
        while queue and len(running) < graph.cap:
            task = queue.pop(0)
            heapq.heappush(running, (now + graph.seconds(task), task))
        now, ended = heapq.heappop(running)
        done.add(ended)
    return now


def wave_seconds(graph: Graph) -> float:
    """The makespan of a scheduler that goes level by level, and waits for the last task of each."""
    levels: list[int] = []
    for needs in graph.needs:
        levels.append(1 + max((levels[task] for task in needs), default=-1))
    waves = ([task for task, level in enumerate(levels) if level == wave] for wave in range(max(levels) + 1))
    return sum(eager_seconds(graph, wave) for wave in waves)


class Work(Contract):
    task: int
    step: int


WORK = Step("work", Work, Work, attempts=1, timeout_seconds=60)


def orchestrated_seconds(graph: Graph) -> tuple[float, int]:
    """The makespan of `run_graph` on the SDK under the real host's rules, and the number of episodes."""
    inputs = {str(task): [str(needed) for needed in needs] for task, needs in enumerate(graph.needs)}

    async def workflow(flow: Flow) -> Any:
        slots = asyncio.Semaphore(graph.cap)

        async def perform(name: str, _: Mapping[str, str]) -> str:
            async with slots:
                for step in range(STEPS):
                    await call(flow, WORK, Work(task=int(name), step=step))
            return name

        return await run_graph(inputs, perform, {})

    def orchestrator(context: Context) -> Generator[Any, Any, Any]:
        return (yield from orchestrate(context, "graph", workflow))

    def work(_: str, message: Any) -> tuple[float, Any]:
        task = Work.model_validate(message["value"])
        return graph.steps[task.task][task.step], Done(value=message["value"]).model_dump(mode="json")

    trace = simulate(orchestrator, {}, work)
    if trace.output != {name: name for name in inputs}:
        raise RuntimeError(f"the graph did not run to its end: {trace.error or trace.output}")
    return trace.seconds, trace.episodes
