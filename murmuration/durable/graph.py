"""Run many coroutines at once; the failure of one cancels the others and is raised itself."""

import asyncio
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from typing import Any, TypeVar

T = TypeVar("T")


async def run_graph(
    inputs: Mapping[str, Collection[str]],
    perform: Callable[[str, Mapping[str, T]], Coroutine[Any, Any, T]],
    done: Mapping[str, T],
) -> dict[str, T]:
    """Run `perform(name, results of its inputs)` for every name, the moment all of its `inputs` are there.

    `done` are names with their results already. The results come in the order of `inputs`. A coroutine that raises
    cancels the others: one whose failure must not do so returns it as a value.
    """
    tasks: dict[str, asyncio.Task[T]] = {}

    async def run(name: str) -> T:
        if name in done:
            return done[name]
        return await perform(name, {before: await tasks[before] for before in inputs[name]})

    try:
        async with asyncio.TaskGroup() as group:
            tasks |= {name: group.create_task(run(name), name=name) for name in inputs}
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return {name: task.result() for name, task in tasks.items()}


async def run_all(functions: Sequence[Callable[[], Coroutine[Any, Any, T]]], limit: int | None = None) -> list[T]:
    """Run coroutine functions, at most `limit` at once; their results in order. One that raises cancels the others."""
    slots = asyncio.Semaphore(limit or len(functions))

    async def run(function: Callable[[], Coroutine[Any, Any, T]]) -> T:
        async with slots:
            return await function()

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(run(function)) for function in functions]
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return [task.result() for task in tasks]
