"""An ordinary app with one orchestrator: it runs the program it is given, a tree of small operations.

Operations pass an integer on; each changes it in a way of its own, so that the output tells whether every one was done
once and in its place. The folder `files` of the input takes a line in `trace` for each activity that ran.
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
LONG = timedelta(hours=1)
ON_PURPOSE = "broken on purpose"
_one_writer = threading.Lock()


def mixed(value: int, number: int) -> int:
    return (value * 31 + number) % MODULUS


@app.activity_trigger(input_name="given")
async def work(given: Json) -> int:
    await asyncio.sleep(given["milliseconds"] / 1000)
    _note(given)
    return mixed(given["value"], given["step"])


@app.activity_trigger(input_name="given")
def work_at_last(given: Json) -> int:
    """Fails `fails` times: the lines of a file count the tries, and outlive the host."""
    _note(given)  # before the try counts: a kill between the two must not hide a run
    tries = Path(given["files"]) / f"{given['run']}.{given['step']}"
    before = tries.stat().st_size if tries.exists() else 0
    with tries.open("ab") as file:
        file.write(b"x")
    if before < given["fails"]:
        raise ValueError(f"try {before}")
    return mixed(given["value"], given["step"])


@app.activity_trigger(input_name="given")
def broken(given: Json) -> int:
    _note(given)
    raise ValueError(ON_PURPOSE)


def _note(given: Json) -> None:
    line = f"{given['run']} {given['step']}\n".encode()
    with _one_writer, (Path(given["files"]) / "trace").open("ab", buffering=0) as file:
        file.write(line)


@app.orchestration_trigger(context_name="context")
def workflow(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Json | None]:
    """Input: `rounds`, one operation each, done in order with a new execution for each; `at` is the next."""
    given: Any = context.get_input()
    value = yield from _done(context, given, given["rounds"][given["at"]], given["value"])
    if given["at"] + 1 < len(given["rounds"]):
        context.continue_as_new({**given, "at": given["at"] + 1, "value": value})
        return None
    return {"value": value, "rounds": given["at"] + 1}


def _done(context: df.DurableOrchestrationContext, given: Json, op: Json, value: int) -> Steps:
    match op["op"]:
        case "sequence":
            for each in op["children"]:
                value = yield from _done(context, given, each, value)
            return value
        case "status":
            context.set_custom_status({"step": op["step"]})
            return mixed(value, op["step"])
        case "parallel":
            results = yield context.task_all([_task(context, given, each, value) for each in op["children"]])
            return _together(
                value, [_told(each, value, got) for each, got in zip(op["children"], results, strict=True)]
            )
        case "gather":
            return (yield from _gathered(context, given, op, value))
        case "race":
            return (yield from _raced(context, given, op["child"], value))
        case "caught":
            try:
                yield _task(context, given, op["child"], value)
            except Exception as error:  # noqa: BLE001 - the SDK raises nothing finer
                return mixed(value, op["step"] if ON_PURPOSE in str(error) else 0)
            return 0
        case _:
            return _told(op, value, (yield _task(context, given, op, value)))


def _gathered(context: df.DurableOrchestrationContext, given: Json, op: Json, value: int) -> Steps:
    """`task_any` over what is left until nothing is: a failure is a result there."""
    tasks = [_task(context, given, each, value) for each in op["children"]]
    while left := [each for each in tasks if not each.is_completed]:
        yield context.task_any(left)
    return _together(value, [_told(each, value, task.result) for each, task in zip(op["children"], tasks, strict=True)])


def _raced(context: df.DurableOrchestrationContext, given: Json, leaf: Json, value: int) -> Steps:
    task = _task(context, given, leaf, value)
    timer: Any = context.create_timer(context.current_utc_datetime + LONG)
    winner = yield context.task_any([task, timer])
    if winner == timer:
        return 0
    timer.cancel()
    return _told(leaf, value, task.result)


def _task(context: df.DurableOrchestrationContext, given: Json, leaf: Json, value: int) -> Any:
    """The one task of an operation that is no composite."""
    common = {name: given[name] for name in ("run", "files")} | {"value": value}
    match leaf["op"]:
        case "activity":
            return context.call_activity("work", {**common, **leaf})
        case "retry":
            options = df.RetryOptions(RETRY_MILLISECONDS, leaf["fails"] + 1)
            return context.call_activity_with_retry("work_at_last", options, {**common, **leaf})
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


def _told(leaf: Json, value: int, result: Any) -> int:
    """What an ended task makes of the value."""
    if isinstance(result, Exception):
        return mixed(value, leaf["step"] if ON_PURPOSE in str(result) else 0)
    match leaf["op"]:
        case "timer":
            return mixed(value, leaf["step"])
        case "event":
            return mixed(value, result["sent"])
        case "sub":
            return mixed(result["value"], result["rounds"])
        case _:
            return int(result)


def _together(value: int, results: list[int]) -> int:
    for result in results:
        value = mixed(value, result)
    return value
