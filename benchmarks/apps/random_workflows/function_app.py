"""An app with one orchestrator, which runs the program in its input: a tree of small operations.

Operations pass an integer on; each changes it in a way of its own, so that the output tells whether every operation ran
once and in order. Each activity run adds a line to `trace` in the folder `files` of the input.
"""

import asyncio
import threading
from collections.abc import Generator
from datetime import timedelta
from pathlib import Path
from typing import Any

import azure.durable_functions as df
import azure.functions as func

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)

Json = dict[str, Any]
Steps = Generator[Any, Any, int]
MODULUS = 1_000_003
RETRY_MILLISECONDS = 10
RACE_TIMEOUT = timedelta(hours=1)
ON_PURPOSE = "broken on purpose"
_trace_lock = threading.Lock()


def mix(value: int, number: int) -> int:
    return (value * 31 + number) % MODULUS


@app.activity_trigger(input_name="given")
async def work(given: Json) -> int:
    await asyncio.sleep(given["milliseconds"] / 1000)
    _trace(given)
    return mix(given["value"], given["step"])


@app.activity_trigger(input_name="given")
def work_after_failures(given: Json) -> int:
    """Fail `fails` times, then work; a file counts the tries, because it outlives the host."""
    _trace(given)  # before the try counts, so that a kill between the two hides no run
    tries = Path(given["files"]) / f"{given['run']}.{given['step']}"
    before = tries.stat().st_size if tries.exists() else 0
    with tries.open("ab") as file:
        file.write(b"x")
    if before < given["fails"]:
        raise ValueError(f"try {before}")
    return mix(given["value"], given["step"])


@app.activity_trigger(input_name="given")
def broken(given: Json) -> int:
    _trace(given)
    raise ValueError(ON_PURPOSE)


def _trace(given: Json) -> None:
    line = f"{given['run']} {given['step']}\n".encode()
    with _trace_lock, (Path(given["files"]) / "trace").open("ab", buffering=0) as file:
        file.write(line)


@app.orchestration_trigger(context_name="context")
def workflow(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Json | None]:
    """Run `rounds`, an operation each, every one in a new execution; `at` is the next."""
    given: Any = context.get_input()
    value = yield from _run(context, given, given["rounds"][given["at"]], given["value"])
    if given["at"] + 1 < len(given["rounds"]):
        context.continue_as_new({**given, "at": given["at"] + 1, "value": value})
        return None
    return {"value": value, "rounds": given["at"] + 1}


def _run(context: df.DurableOrchestrationContext, given: Json, op: Json, value: int) -> Steps:
    match op["op"]:
        case "sequence":
            for child in op["children"]:
                value = yield from _run(context, given, child, value)
            return value
        case "status":
            context.set_custom_status({"step": op["step"]})
            return mix(value, op["step"])
        case "parallel":
            results = yield context.task_all([_task(context, given, child, value) for child in op["children"]])
            pairs = zip(op["children"], results, strict=True)
            return _mix_all(value, [_result(child, value, result) for child, result in pairs])
        case "gather":
            return (yield from _gather(context, given, op, value))
        case "race":
            return (yield from _race(context, given, op["child"], value))
        case "caught":
            try:
                yield _task(context, given, op["child"], value)
            except Exception as error:  # noqa: BLE001 - the SDK raises nothing finer
                return mix(value, op["step"] if ON_PURPOSE in str(error) else 0)
            return 0
        case _:
            return _result(op, value, (yield _task(context, given, op, value)))


def _gather(context: df.DurableOrchestrationContext, given: Json, op: Json, value: int) -> Steps:
    """Wait with `task_any` until no task is left, because it treats a failure as a result."""
    tasks = [_task(context, given, child, value) for child in op["children"]]
    while left := [task for task in tasks if not task.is_completed]:
        yield context.task_any(left)
    pairs = zip(op["children"], tasks, strict=True)
    return _mix_all(value, [_result(child, value, task.result) for child, task in pairs])


def _race(context: df.DurableOrchestrationContext, given: Json, leaf: Json, value: int) -> Steps:
    task = _task(context, given, leaf, value)
    timer: Any = context.create_timer(context.current_utc_datetime + RACE_TIMEOUT)
    winner = yield context.task_any([task, timer])
    if winner == timer:
        return 0
    timer.cancel()
    return _result(leaf, value, task.result)


def _task(context: df.DurableOrchestrationContext, given: Json, leaf: Json, value: int) -> Any:
    """Make the task of an operation that is not composite."""
    common = {name: given[name] for name in ("run", "files")} | {"value": value}
    match leaf["op"]:
        case "activity":
            return context.call_activity("work", {**common, **leaf})
        case "retry":
            options = df.RetryOptions(RETRY_MILLISECONDS, leaf["fails"] + 1)
            return context.call_activity_with_retry("work_after_failures", options, {**common, **leaf})
        case "broken":
            return context.call_activity("broken", {**common, **leaf})
        case "broken_retry":
            options = df.RetryOptions(RETRY_MILLISECONDS, leaf["tries"])
            return context.call_activity_with_retry("broken", options, {**common, **leaf})
        case "timer":
            return context.create_timer(context.current_utc_datetime + timedelta(milliseconds=leaf["milliseconds"]))
        case "event":
            return context.wait_for_external_event(f"event-{leaf['step']}")
        case "sub":
            child = f"child-{given['run']}-{leaf['step']}" if leaf["named"] else None
            return context.call_sub_orchestrator("workflow", {**common, "at": 0, "rounds": leaf["rounds"]}, child)
        case other:
            raise ValueError(f"no operation: {other}")


def _result(leaf: Json, value: int, result: Any) -> int:
    """Return the value after a task that ended with `result`."""
    if isinstance(result, Exception):
        return mix(value, leaf["step"] if ON_PURPOSE in str(result) else 0)
    match leaf["op"]:
        case "timer":
            return mix(value, leaf["step"])
        case "event":
            return mix(value, result["sent"])
        case "sub":
            return mix(result["value"], result["rounds"])
        case _:
            return int(result)


def _mix_all(value: int, results: list[int]) -> int:
    for result in results:
        value = mix(value, result)
    return value
