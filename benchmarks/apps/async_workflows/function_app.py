"""The app of `random_workflows` with a coroutine as its orchestrator: every operation is written with asyncio.

Operations pass an integer on; each changes it in a way of its own, so that the output tells whether every one was done
once and in its place. Here the children of `parallel` and `gather` may be trees of operations themselves. The folder
`files` of the input takes a line in `trace` for each activity that ran.
"""

import asyncio
import threading
from collections.abc import Generator
from datetime import timedelta
from pathlib import Path
from typing import Any

import azure.durable_functions as df
import azure.functions as func

from murmuration.durable.driver import orchestrate
from murmuration.durable.errors import DurableTaskFailed
from murmuration.durable.workflow import Flow

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)

Json = dict[str, Any]
MODULUS = 1_000_003
RETRY_SECONDS = 0.01
ON_PURPOSE = "broken on purpose"
_one_writer = threading.Lock()


def mixed(value: int, number: int) -> int:
    return (value * 31 + number) % MODULUS


@app.activity_trigger(input_name="call")
async def work(call: Json) -> int:
    await asyncio.sleep(call["milliseconds"] / 1000)
    _record(call)
    return mixed(call["value"], call["step"])


@app.activity_trigger(input_name="call")
def work_at_last(call: Json) -> int:
    """Fails `fails` times: the lines of a file count the tries, and outlive the host."""
    _record(call)  # before the try counts: a kill between the two must not hide a run
    tries = Path(call["files"]) / f"{call['run']}.{call['step']}"
    before = tries.stat().st_size if tries.exists() else 0
    with tries.open("ab") as file:
        file.write(b"x")
    if before < call["fails"]:
        raise ValueError(f"try {before}")
    return mixed(call["value"], call["step"])


@app.activity_trigger(input_name="call")
def broken(call: Json) -> int:
    _record(call)
    raise ValueError(ON_PURPOSE)


def _record(call: Json) -> None:
    line = f"{call['run']} {call['step']}\n".encode()
    with _one_writer, (Path(call["files"]) / "trace").open("ab", buffering=0) as file:
        file.write(line)


@app.orchestration_trigger(context_name="context")
def workflow(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Json | None]:
    """Input: `rounds`, one operation each, done in order with a new execution for each; `at` is the next."""
    program: Any = context.get_input()

    async def main(flow: Flow) -> Json:
        at = program["at"]
        value = await Program(flow, program).perform(program["rounds"][at], program["value"])
        if at + 1 < len(program["rounds"]):
            flow.continue_as_new({**program, "at": at + 1, "value": value})
        return {"value": value, "rounds": at + 1}

    result: Json | None = yield from orchestrate(context, "workflow", main)
    return result


class Program:
    """Performs operations. One that fails raises `DurableTaskFailed`."""

    def __init__(self, flow: Flow, program: Json) -> None:
        self.flow = flow
        self._common = {name: program[name] for name in ("run", "files")}

    async def perform(self, op: Json, value: int) -> int:
        match op["op"]:
            case "sequence":
                for child in op["children"]:
                    value = await self.perform(child, value)
                return value
            case "status":
                self.flow.set_status({"step": op["step"]})
                return mixed(value, op["step"])
            case "parallel":
                return await self._parallel(op["children"], value)
            case "gather":
                settled = (self._settled(child, value) for child in op["children"])
                return _together(value, await asyncio.gather(*settled))
            case "race":
                return await self._race(op["child"], value)
            case "caught":
                return await self._settled(op["child"], value, op["step"])
            case _:
                return await self._leaf(op, value)

    async def _parallel(self, children: list[Json], value: int) -> int:
        """Activities alone are a fan-out of Durable's; other children are tasks under a limit."""
        if all(child["op"] == "activity" for child in children):
            calls = [self.flow.activity("work", {**self._common, "value": value, **child}) for child in children]
            return _together(value, await self.flow.task_all(*calls))
        slots = asyncio.Semaphore(2)

        async def limited(child: Json) -> int:
            if child["op"] in ("event", "sub"):  # others may have to end first
                return await self._settled(child, value)
            async with slots:
                return await self._settled(child, value)

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(limited(child)) for child in children]
        return _together(value, [task.result() for task in tasks])

    async def _race(self, child: Json, value: int) -> int:
        """Against a long timer, and against a task that is cancelled."""
        winner = asyncio.create_task(self.perform(child, value))
        loser = asyncio.create_task(asyncio.sleep(7_200))
        async with asyncio.timeout(3_600):
            await asyncio.wait([winner, loser], return_when=asyncio.FIRST_COMPLETED)
        loser.cancel()
        return await winner

    async def _settled(self, op: Json, value: int, step: int | None = None) -> int:
        try:
            return await self.perform(op, value)
        except DurableTaskFailed as failure:
            return mixed(value, (op["step"] if step is None else step) if ON_PURPOSE in str(failure) else 0)

    async def _leaf(self, leaf: Json, value: int) -> int:
        call = {**self._common, "value": value, **leaf}
        match leaf["op"]:
            case "activity":
                return int(await self.flow.activity("work", call))
            case "retry":
                return await self._retried("work_at_last", call, leaf["fails"] + 1)
            case "broken":
                return int(await self.flow.activity("broken", call))
            case "broken_retry":
                return await self._retried("broken", call, leaf["tries"])
            case "timer":
                await self.flow.sleep(timedelta(milliseconds=leaf["milliseconds"]))
                return mixed(value, leaf["step"])
            case "event":
                event = await self.flow.event(f"event-{leaf['step']}")
                return mixed(value, event["sent"])
            case "sub":
                child = f"child-{call['run']}-{leaf['step']}" if leaf["named"] else None
                program = {**self._common, "value": value, "at": 0, "rounds": leaf["rounds"]}
                result = await self.flow.sub_orchestration("workflow", program, instance=child)
                return mixed(result["value"], result["rounds"])
            case other:
                raise ValueError(f"no operation: {other}")

    async def _retried(self, name: str, call: Json, tries: int) -> int:
        for _ in range(tries - 1):
            try:
                return int(await self.flow.activity(name, call))
            except DurableTaskFailed:
                await asyncio.sleep(RETRY_SECONDS)
        return int(await self.flow.activity(name, call))


def _together(value: int, results: list[int]) -> int:
    for result in results:
        value = mixed(value, result)
    return value
