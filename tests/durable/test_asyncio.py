"""asyncio behaves in a workflow as Python documents it, in the time of the orchestration."""

import asyncio
import contextvars
from datetime import timedelta
from typing import Any

import pytest

from murmuration.durable.errors import DurableTaskFailed
from murmuration.durable.workflow import Flow
from tests.durable.running import run, seconds


def test_gather_runs_side_by_side_and_keeps_the_order() -> None:
    async def workflow(flow: Flow) -> Any:
        return await asyncio.gather(*(flow.activity("wait", number) for number in (3, 1, 2)))

    trace = run(workflow)

    assert (trace.output, trace.seconds) == ([3, 1, 2], 3.0)


def test_a_task_group_cancels_its_others_when_one_fails() -> None:
    async def cleans_up(flow: Flow, log: list[str]) -> None:
        try:
            await flow.activity("wait", 50)
        finally:
            log.append(f"cleaned up after {seconds(flow):g} s")
            await flow.activity("wait", 2)

    async def workflow(flow: Flow) -> Any:
        log: list[str] = []
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(cleans_up(flow, log))
                await flow.activity("fail")
        except* DurableTaskFailed as failures:
            log.append(type(failures.exceptions[0]).__name__)
        return log, seconds(flow)

    assert run(workflow).output == [["cleaned up after 1 s", "DurableTaskFailed"], 3.0]


def test_a_timeout_cancels_and_does_not_wait_for_the_activity() -> None:
    async def workflow(flow: Flow) -> Any:
        try:
            async with asyncio.timeout(5):
                await flow.activity("wait", 50)
        except TimeoutError:
            return seconds(flow)

    assert run(workflow).output == 5.0


@pytest.mark.parametrize("days", [0.5, 3, 10, 400])
def test_a_sleep_may_last_for_months(days: float) -> None:
    async def workflow(flow: Flow) -> Any:
        await flow.sleep(timedelta(days=days))
        return seconds(flow)

    assert run(workflow).output == days * 86_400


def test_a_semaphore_holds_a_limit() -> None:
    async def worker(flow: Flow, slots: asyncio.Semaphore) -> float:
        async with slots:
            await flow.activity("wait", 1)
            await flow.activity("wait", 1)
        return seconds(flow)

    async def workflow(flow: Flow) -> Any:
        slots = asyncio.Semaphore(2)
        return await asyncio.gather(*(worker(flow, slots) for _ in range(5)))

    assert run(workflow).output == [2, 2, 4, 4, 6]


def test_queue_lock_event_and_wait_work_together() -> None:
    async def produce(flow: Flow, queue: asyncio.Queue[int], ready: asyncio.Event) -> None:
        await ready.wait()
        for number in range(3):
            await queue.put(await flow.activity("wait", number))

    async def workflow(flow: Flow) -> Any:
        queue: asyncio.Queue[int] = asyncio.Queue(1)
        ready, lock = asyncio.Event(), asyncio.Lock()
        producer = asyncio.create_task(produce(flow, queue, ready))
        async with lock:
            await flow.activity("wait", 5)
            ready.set()
        items = [await queue.get() for _ in range(3)]
        done, pending = await asyncio.wait([producer, asyncio.create_task(asyncio.sleep(60))], timeout=1)
        return items, len(done), len(pending), seconds(flow)

    assert run(workflow).output == [[0, 1, 2], 1, 1, 9.0]


def test_as_completed_over_tasks_gives_them_as_they_end() -> None:
    async def workflow(flow: Flow) -> Any:
        tasks = [asyncio.create_task(_wait(flow, number)) for number in (3, 1, 2)]
        return [await task for task in asyncio.as_completed(tasks)]

    assert run(workflow).output == [1, 2, 3]


def test_a_shield_keeps_what_it_guards_running() -> None:
    async def workflow(flow: Flow) -> Any:
        guarded = asyncio.create_task(_wait(flow, 4))
        try:
            async with asyncio.timeout(1):
                await asyncio.shield(guarded)
        except TimeoutError:
            return await guarded, seconds(flow)

    assert run(workflow).output == [4, 4.0]


def test_context_variables_are_a_tasks_own() -> None:
    name: contextvars.ContextVar[str] = contextvars.ContextVar("name", default="none")

    async def sets(flow: Flow, value: str) -> str:
        name.set(value)
        await flow.activity("wait", 1)
        return name.get()

    async def workflow(flow: Flow) -> Any:
        return [*await asyncio.gather(sets(flow, "a"), sets(flow, "b")), name.get()]

    assert run(workflow).output == ["a", "b", "none"]


def test_a_task_left_running_at_the_end_is_cancelled_and_cleans_up() -> None:
    async def left(flow: Flow) -> None:
        try:
            await asyncio.sleep(1_000)
        finally:
            await flow.activity("wait", 3)

    async def workflow(flow: Flow) -> Any:
        task = asyncio.create_task(left(flow))
        await flow.activity("wait", 1)
        assert not task.done()
        return "done"

    trace = run(workflow)

    assert (trace.output, trace.seconds) == ("done", 4.0)
    assert [name for _, name, _ in trace.started] == ["wait", "wait"]


def test_a_failed_activity_raises_a_typed_error_that_can_be_caught() -> None:
    async def workflow(flow: Flow) -> Any:
        try:
            await flow.activity("fail")
        except DurableTaskFailed as failure:
            return str(failure)

    assert "broke" in str(run(workflow).output)


def test_ids_and_random_numbers_are_the_same_in_every_replay() -> None:
    async def workflow(flow: Flow) -> Any:
        numbers = []
        for _ in range(4):
            numbers.append((str(flow.uuid4()), flow.random.random()))
            await flow.activity("wait", 1)
        return numbers

    first, again = run(workflow).output, run(workflow).output

    assert first == again
    assert len({number for number, _ in first}) == 4


async def _wait(flow: Flow, number: int) -> Any:
    return await flow.activity("wait", number)
