"""Trivial steps: a chain of them, and many whose ends are spread over a time."""

import asyncio
import time
from collections.abc import Generator
from datetime import UTC
from typing import Any

import azure.durable_functions as df
import azure.functions as func

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.activity_trigger(input_name="given")
async def add_one(given: int) -> int:
    return given + 1


@app.activity_trigger(input_name="given")
async def sleep_until(given: float) -> None:
    """`given`: seconds since the epoch. Waits for a moment and not for a while, so that places don't matter."""
    await asyncio.sleep(max(0.0, given - time.time()))


@app.orchestration_trigger(context_name="context")
def chain(context: df.DurableOrchestrationContext) -> Generator[Any, Any, int]:
    given: Any = context.get_input()
    value = 0
    for _ in range(given["steps"]):
        value = yield context.call_activity("add_one", value)
    return value


@app.orchestration_trigger(context_name="context")
def spread(context: df.DurableOrchestrationContext) -> Generator[Any, Any, int]:
    """`count` activities; one ends every `seconds` / `count`."""
    given: Any = context.get_input()
    began = context.current_utc_datetime.replace(tzinfo=UTC).timestamp()
    apart = given["seconds"] / given["count"]
    ends = [began + apart * (each + 1) for each in range(given["count"])]
    return len((yield context.task_all([context.call_activity("sleep_until", end) for end in ends])))
