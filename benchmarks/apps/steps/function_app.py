"""An app of trivial steps: a chain of them, and many that end one after the other."""

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
    """Sleep until `given`, seconds since the epoch, so that the time spent in a queue does not matter."""
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
    """Run `count` activities; one ends every `seconds` / `count`."""
    given: Any = context.get_input()
    began = context.current_utc_datetime.replace(tzinfo=UTC).timestamp()
    interval = given["seconds"] / given["count"]
    ends = [began + interval * number for number in range(1, given["count"] + 1)]
    return len((yield context.task_all([context.call_activity("sleep_until", end) for end in ends])))
