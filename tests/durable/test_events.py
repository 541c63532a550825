"""External events are served in order, and none is lost."""

import asyncio
from typing import Any

import pytest

from murmuration.durable.workflow import Flow
from tests.durable.running import run

pytestmark = pytest.mark.filterwarnings("ignore:Potential duplicate Task completion:UserWarning")


def test_two_early_events_are_two_events_in_order() -> None:
    async def workflow(flow: Flow) -> Any:
        await asyncio.sleep(10)
        return [await flow.event("name"), await flow.event("name")]

    assert run(workflow, [(1, "name", "first"), (2, "name", "second")]).output == ["first", "second"]


def test_two_waiters_are_served_in_the_order_in_which_they_wait() -> None:
    async def workflow(flow: Flow) -> Any:
        return await asyncio.gather(flow.event("name"), flow.event("name"))

    assert run(workflow, [(1, "name", "first"), (2, "name", "second")]).output == ["first", "second"]


def test_an_event_after_a_wait_that_a_timeout_ended_goes_to_the_next_wait() -> None:
    async def workflow(flow: Flow) -> Any:
        try:
            async with asyncio.timeout(5):
                await flow.event("name")
        except TimeoutError:
            await asyncio.sleep(20)
        return await flow.event("name")

    assert run(workflow, [(10, "name", "late")]).output == "late"


def test_two_events_during_a_fan_out_are_both_there_afterwards() -> None:
    async def workflow(flow: Flow) -> Any:
        await flow.task_all(*(flow.activity("wait", 5) for _ in range(3)))
        return [await flow.event("name"), await flow.event("name")]

    assert run(workflow, [(1, "name", "first"), (2, "name", "second")]).output == ["first", "second"]


def test_a_cancelled_waiter_takes_no_event_from_the_others() -> None:
    async def workflow(flow: Flow) -> Any:
        tasks = [asyncio.create_task(_next(flow)) for _ in range(3)]
        await asyncio.sleep(1)
        tasks[0].cancel()
        return await asyncio.gather(*tasks[1:])

    assert run(workflow, [(2, "name", "first"), (3, "name", "second")]).output == ["first", "second"]


def test_a_value_of_none_is_an_event_too() -> None:
    async def workflow(flow: Flow) -> Any:
        return [await flow.event("name"), await flow.event("name")]

    assert run(workflow, [(1, "name", None), (2, "name", 0)]).output == [None, 0]


async def _next(flow: Flow) -> Any:
    return await flow.event("name")
