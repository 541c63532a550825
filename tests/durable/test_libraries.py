"""A workflow's loop gives libraries what they ask of an event loop beyond what workflows write themselves."""

import asyncio
import gc
import sys
import warnings
from collections.abc import AsyncGenerator, Coroutine
from typing import Any

import anyio
import pytest

from murmuration.durable.loop import DurableTask
from murmuration.durable.workflow import Flow
from tests.durable.running import run, seconds

needs_eager_tasks = pytest.mark.skipif(sys.version_info < (3, 12), reason="eager tasks are new in Python 3.12")


def test_anyio_streams_and_groups_work() -> None:
    async def workflow(flow: Flow) -> Any:
        send, receive = anyio.create_memory_object_stream[float](1)

        async def produce() -> None:
            async with send:
                for number in (2, 1, 3):
                    await send.send(await flow.activity("wait", number))

        async with receive, anyio.create_task_group() as group:
            group.start_soon(produce)
            return [number async for number in receive], seconds(flow)

    assert run(workflow).output == [[2, 1, 3], 6.0]


def test_an_anyio_timeout_cancels_and_waits_for_shielded_clean_up() -> None:
    async def child(flow: Flow, ends: list[float]) -> None:
        try:
            await flow.activity("wait", 50)
        finally:
            with anyio.CancelScope(shield=True):
                await flow.activity("wait", 2)
                ends.append(seconds(flow))

    async def workflow(flow: Flow) -> Any:
        ends: list[float] = []
        with anyio.move_on_after(5):
            async with anyio.create_task_group() as group:
                group.start_soon(child, flow, ends)
                group.start_soon(child, flow, ends)
        return ends, seconds(flow)

    assert run(workflow).output == [[7.0, 7.0], 7.0]


def test_a_generator_dropped_at_the_end_of_an_episode_leaves_no_trace() -> None:
    went_on: list[str] = []

    async def numbers(flow: Flow) -> AsyncGenerator[int, None]:
        try:
            yield 1
        finally:
            await flow.activity("wait", 9)
            went_on.append("went on")

    async def workflow(flow: Flow) -> Any:
        generator = numbers(flow)
        await anext(generator)
        await flow.activity("wait", 1)
        await flow.activity("wait", 1)
        went_on.append("closes")
        await generator.aclose()

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        trace = run(workflow)
        gc.collect()

    assert [value for _, _, value in trace.started] == [1, 1, 9]
    assert went_on == ["closes", "closes", "went on"]  # the episode that starts the clean-up, and the one that ends it
    assert not [str(warning.message) for warning in caught if "expected_type" not in str(warning.message)]


def test_a_task_is_the_current_one_and_among_all() -> None:
    async def workflow(flow: Flow) -> Any:
        task = asyncio.create_task(asyncio.sleep(1), name="sleeps")
        current = asyncio.current_task()
        names = sorted(task.get_name() for task in asyncio.all_tasks())
        await task
        return current is not None and current.get_name(), names

    assert run(workflow).output == ["workflow", ["sleeps", "workflow"]]


@needs_eager_tasks
@pytest.mark.parametrize("way", ["create_task", "factory"])
def test_an_eager_task_begins_at_once_and_is_numbered(way: str) -> None:
    async def workflow(flow: Flow) -> Any:
        loop: Any = asyncio.get_running_loop()
        begun: list[int] = []

        async def work(number: int) -> Any:
            begun.append(number)
            return await flow.activity("wait", number)

        def eager(coroutine: Coroutine[Any, Any, Any]) -> Any:
            if way == "create_task":
                return loop.create_task(coroutine, eager_start=True)
            return asyncio.eager_task_factory(loop, coroutine)  # type: ignore[attr-defined] # from 3.12 on

        tasks = [eager(work(number)) for number in (3, 1, 2)]
        assert begun == [3, 1, 2]
        done, _ = await asyncio.wait(tasks)
        assert all(isinstance(task, DurableTask) for task in tasks)
        return [task.result() for task in done], seconds(flow)

    assert run(workflow).output == [[3, 1, 2], 3.0]


@needs_eager_tasks
def test_an_eager_task_of_another_loop_is_pythons_own() -> None:
    async def main() -> bool:
        loop = asyncio.get_running_loop()
        task = asyncio.eager_task_factory(loop, asyncio.sleep(0))  # type: ignore[attr-defined] # from 3.12 on
        await task
        return type(task) is asyncio.Task

    assert asyncio.run(main())
