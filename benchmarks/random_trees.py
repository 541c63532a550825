"""Random workflows for `benchmarks.determinism`: trees of everything in asyncio that waits, fails and cancels.

A tree is JSON, and `tree` is the workflow that performs it. Its output is the log of what happened, in order.
"""

import asyncio
import json
from collections.abc import Callable, Coroutine, Generator, Mapping, Sequence
from contextlib import suppress
from random import Random
from typing import Any

import azure.durable_functions as df

from loopback.functions import protocol as wire
from loopback.functions.replay.recorded import Recorded
from murmuration.durable.context import Context
from murmuration.durable.driver import orchestrate
from murmuration.durable.errors import DurableTaskFailed
from murmuration.durable.workflow import Flow
from simulation.records import Instance, ScheduledStep
from simulation.virtual_host import VirtualHost

Op = dict[str, Any]
MAX_DEPTH = 4
MAX_EVENT_SECONDS = 12
LEAVES = ("activity", "activity", "activity", "fail", "sleep", "event", "random", "fan_out")
NODES = ("sequence", "gather", "group", "timeout", "race", "cancel", "limit", "completed", "guarded", "queue", "sub")


def random_tree(chance: Random) -> Op:
    """A tree of 1 to about 30 operations."""
    return _node(chance, 0, known=True)


def _node(chance: Random, depth: int, *, known: bool) -> Op:
    """`known`: the id of the instance is known, so that events can be sent to it."""
    if depth == MAX_DEPTH or chance.random() < depth * 0.25:
        kind = chance.choice([name for name in LEAVES if known or name != "event"])
        return {"op": kind, "number": chance.randrange(6), "seconds": chance.choice((0, 1, 2, 5))}
    kind = chance.choice(NODES)
    inner = known and kind != "sub"
    children = [_node(chance, depth + 1, known=inner) for _ in range(chance.randint(1, 3))]
    return {"op": kind, "number": chance.randint(1, 5), "children": children}


class _Tree:
    """Performs operations, and logs what happens."""

    def __init__(self, flow: Flow) -> None:
        self.log: list[str] = []
        self._flow = flow

    async def settle(self, op: Op) -> None:
        """Perform the operation and log its failure."""
        try:
            await self.perform(op)
        except* (DurableTaskFailed, TimeoutError) as failures:
            self.log.append(f"{op['op']} failed {len(failures.exceptions)} times")

    async def perform(self, op: Op) -> None:
        if op["op"] in LEAVES:
            await self._leaf(op)
        else:
            kinds: dict[str, Callable[[Op], Coroutine[Any, Any, None]]] = {
                "sequence": self._sequence,
                "gather": self._gather,
                "group": self._group,
                "timeout": self._timeout,
                "race": self._race,
                "cancel": self._cancel,
                "limit": self._limit,
                "completed": self._completed,
                "guarded": self._guarded,
                "queue": self._queue,
                "sub": self._sub,
            }
            await kinds[op["op"]](op)
        self.log.append(f"{op['op']} {op['number']}")

    async def _leaf(self, op: Op) -> None:
        match op["op"]:
            case "activity":
                await self._flow.activity(f"work_{op['number']}", op["seconds"])
            case "fail":
                await self._flow.activity("fail", op["seconds"])
            case "sleep":
                await asyncio.sleep(op["seconds"])
            case "event":
                self.log.append(str(await self._flow.event(f"event_{op['number']}")))
            case "random":
                await self._flow.activity("work", [str(self._flow.uuid4()), self._flow.random.random()])
            case "fan_out":
                calls = (self._flow.activity("fail" if number == 1 else "work") for number in range(op["number"]))
                results = await self._flow.task_all(*calls)
                self.log.append(f"{sum(isinstance(result, DurableTaskFailed) for result in results)} failed")

    def _tasks(self, op: Op) -> list[asyncio.Task[None]]:
        return [asyncio.create_task(self.settle(child)) for child in op["children"]]

    async def _sequence(self, op: Op) -> None:
        for child in op["children"]:
            await self.perform(child)

    async def _gather(self, op: Op) -> None:
        results = await asyncio.gather(*map(self.perform, op["children"]), return_exceptions=True)
        self.log.append(f"{sum(isinstance(result, BaseException) for result in results)} failed")

    async def _group(self, op: Op) -> None:
        async with asyncio.TaskGroup() as group:
            for child in op["children"]:
                group.create_task(self.perform(child))

    async def _timeout(self, op: Op) -> None:
        async with asyncio.timeout(op["number"] - 1):
            await self._group(op)

    async def _race(self, op: Op) -> None:
        done, others = await asyncio.wait(self._tasks(op), return_when=asyncio.FIRST_COMPLETED)
        self.log.append(" ".join(task.get_name() for task in done))
        for task in others:
            task.cancel()

    async def _cancel(self, op: Op) -> None:
        tasks = self._tasks(op)
        await asyncio.sleep(op["number"])
        for task in set(tasks):
            task.cancel()
        await asyncio.wait(tasks)

    async def _limit(self, op: Op) -> None:
        slots = asyncio.Semaphore(1 + op["number"] % 2)

        async def limited(child: Op) -> None:
            async with slots:
                await self.settle(child)

        await asyncio.gather(*map(limited, op["children"]))

    async def _completed(self, op: Op) -> None:
        for completed in asyncio.as_completed(self._tasks(op)):
            await completed
            self.log.append("completed")

    async def _guarded(self, op: Op) -> None:
        work = asyncio.gather(*self._tasks(op))
        try:
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(work), op["number"])
            await work
        finally:
            await self._flow.activity("clean_up", 1)

    async def _queue(self, op: Op) -> None:
        queue: asyncio.Queue[str] = asyncio.Queue(1)

        async def produce(child: Op) -> None:
            await self.settle(child)
            await queue.put(child["op"])

        producers = [asyncio.create_task(produce(child)) for child in op["children"]]
        for _ in producers:
            self.log.append(await queue.get())
        await asyncio.gather(*producers)

    async def _sub(self, op: Op) -> None:
        child = {**op, "op": "group"}
        self.log += await self._flow.sub_orchestration("tree", child, instance=str(self._flow.uuid4()))


def tree(context: Context) -> Generator[Any, Any, Any]:
    """Perform the tree that is the input."""

    async def workflow(flow: Flow) -> list[str]:
        performer = _Tree(flow)
        op: Any = context.get_input()
        await performer.settle(op)
        return performer.log

    return (yield from orchestrate(context, "tree", workflow))


HANDLES: Mapping[str, Callable[[str], str]] = {"tree": df.Orchestrator.create(tree)}


class ShufflingWorker:
    """Activities take whole seconds; those that end at the same time end in a random order."""

    def __init__(self, chance: Random) -> None:
        self._chance = chance
        self._ending: dict[float, list[ScheduledStep]] = {}

    def begin(self, host: VirtualHost, step: ScheduledStep) -> None:
        time = host.now + self._chance.choice((0.5, 1, 1, 2, 4))
        if time not in self._ending:
            self._ending[time] = []
            host.at(time, lambda: self._end(host, time))
        self._ending[time].append(step)

    def _end(self, host: VirtualHost, time: float) -> None:
        steps = self._ending.pop(time)
        self._chance.shuffle(steps)
        for step in steps:
            host.complete(step, RuntimeError("broke") if step.name == "fail" else step.message)


def record(
    name: str, handles: Mapping[str, Callable[[str], str]], value: Any, chance: Random, restart_chance: float = 0.1
) -> list[Recorded]:
    """Run a workflow with restarts of the host and results in random order, and events 0 to 5; raises `Violation`.

    `restart_chance` is that of each episode. Returns the histories of the run and of its sub-orchestrations.
    """
    host = VirtualHost(handles, ShufflingWorker(chance), restarts=lambda *_: chance.random() < restart_chance)
    host.start(name, "run", value)
    for number in range(6):
        for _ in range(10):
            seconds = chance.randint(0, MAX_EVENT_SECONDS)
            host.at(seconds, lambda number=number: host.raise_event("run", f"event_{number}", number))  # type: ignore[misc]
    host.run()
    return [_recorded(instance) for instance in host.instances.values()]


def _recorded(instance: Instance) -> Recorded:
    if not instance.ended:
        raise AssertionError(f"{instance.id} has not ended: {instance.input}")
    output = instance.output
    if instance.error is not None:
        output = f"Orchestrator function '{instance.name}' failed: {instance.error}"
    ended = wire.event(wire.EXECUTION_COMPLETED, wire.parse_timestamp(instance.history[-1]["Timestamp"]))
    ended |= {"Result": json.dumps(output)}
    events: Sequence[Any] = [*instance.history[:-1], ended, instance.history[-1]]
    return Recorded(instance.name, instance.id, instance.parent[0] if instance.parent else None, instance.input, events)
