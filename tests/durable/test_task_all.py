"""A fan-out loses no result and wakes the orchestrator a few times only."""

import asyncio
from typing import Any

import pytest

from murmuration.durable.errors import DurableTaskFailed
from murmuration.durable.workflow import Flow
from tests.durable.running import run


def test_results_and_failures_come_in_order_and_none_is_lost() -> None:
    async def workflow(flow: Flow) -> Any:
        calls = [flow.activity("wait", 3), flow.activity("fail"), flow.activity("wait", 1), flow.activity("fail")]
        results = await flow.task_all(*calls)
        return ["failed" if isinstance(result, DurableTaskFailed) else result for result in results]

    assert run(workflow).output == [3, "failed", 1, "failed"]


def test_no_calls_are_no_results() -> None:
    async def workflow(flow: Flow) -> Any:
        return await flow.task_all()

    assert run(workflow).output == []


def test_a_fan_out_of_a_thousand_resumes_the_workflow_a_few_times() -> None:
    resumed: list[int] = []

    async def workflow(flow: Flow) -> Any:
        flow.on_wait(lambda: resumed.append(1))
        return len(await flow.task_all(*(flow.activity("wait", 1) for _ in range(1_000))))

    trace = run(workflow)

    assert trace.output == 1_000
    assert trace.episodes == 2
    assert len(resumed) <= 5


def test_a_fan_out_beside_other_work_ends_as_well() -> None:
    async def others(flow: Flow) -> list[int]:
        return [await flow.activity("wait", number) for number in (1, 1, 1)]

    async def workflow(flow: Flow) -> Any:
        fan_out = flow.task_all(*(flow.activity("wait", number) for number in (2, 5)))
        return await asyncio.gather(fan_out, others(flow))

    assert run(workflow).output == [[2, 5], [1, 1, 1]]


def test_a_timeout_ends_a_fan_out() -> None:
    async def workflow(flow: Flow) -> Any:
        try:
            async with asyncio.timeout(3):
                await flow.task_all(flow.activity("wait", 1), flow.activity("wait", 50))
        except TimeoutError:
            return "timeout"

    assert run(workflow).output == "timeout"


@pytest.mark.parametrize("other", ["future", "coroutine"])
def test_anything_but_a_call_is_refused(other: str) -> None:
    async def workflow(flow: Flow) -> Any:
        call: Any = asyncio.get_running_loop().create_future() if other == "future" else None
        await flow.task_all(call)

    assert "task_all takes what flow.activity" in str(run(workflow).error)
