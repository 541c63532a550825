"""The same jobs as plain generators and as coroutines, for `benchmarks.async_cost`."""

import asyncio
from collections.abc import Awaitable, Callable, Generator
from typing import Any

import azure.durable_functions as df
import azure.functions as func

from murmuration.durable.driver import orchestrate
from murmuration.durable.workflow import Flow

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.activity_trigger(input_name="value")
async def nap(value: float) -> float:
    await asyncio.sleep(value)
    return value


@app.activity_trigger(input_name="value")
async def double(value: int) -> int:
    return value * 2


@app.orchestration_trigger(context_name="context")
def plain_fan_out(context: df.DurableOrchestrationContext) -> Any:
    job: Any = context.get_input()
    return (yield context.task_all([context.call_activity("nap", job["nap"]) for _ in range(job["count"])]))


@app.orchestration_trigger(context_name="context")
def plain_chain(context: df.DurableOrchestrationContext) -> Any:
    job: Any = context.get_input()
    value = 1
    for _ in range(job["count"]):
        value = (yield context.call_activity("double", 1)) + value
    return value


def _coroutine(name: str, function: Callable[[Flow, Any], Awaitable[Any]]) -> None:
    def orchestrator(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Any]:
        return (yield from orchestrate(context, name, lambda flow: function(flow, context.get_input())))

    orchestrator.__name__ = name
    app.orchestration_trigger(context_name="context")(orchestrator)


async def fan_out(flow: Flow, job: Any) -> Any:
    return await flow.task_all(*(flow.activity("nap", job["nap"]) for _ in range(job["count"])))


async def gather(flow: Flow, job: Any) -> Any:
    return await asyncio.gather(*(flow.activity("nap", job["nap"]) for _ in range(job["count"])))


async def chain(flow: Flow, job: Any) -> Any:
    value = 1
    for _ in range(job["count"]):
        value += await flow.activity("double", 1)
    return value


async def window(flow: Flow, job: Any) -> Any:
    slots = asyncio.Semaphore(job["limit"])

    async def two_steps() -> None:
        async with slots:
            await flow.activity("nap", job["nap"])
            await flow.activity("nap", job["nap"])

    await asyncio.gather(*(two_steps() for _ in range(job["count"])))
    return job["count"]


for function in (fan_out, gather, chain, window):
    _coroutine(f"async_{function.__name__}", function)
