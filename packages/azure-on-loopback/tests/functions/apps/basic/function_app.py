"""An app with an orchestrator for each behaviour of the host that tests check."""

import asyncio
import json
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import azure.durable_functions as df
import azure.functions as func

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route(route="start/{name}", methods=["POST"])
@app.durable_client_input(client_name="client")
async def start(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    run = await client.start_new(req.route_params["name"], req.params.get("id"), req.get_json())
    return client.create_check_status_response(req, run)


@app.route(route="start_and_wait/{name}", methods=["POST"])
@app.durable_client_input(client_name="client")
async def start_and_wait(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    run = await client.start_new(req.route_params["name"], None, req.get_json())
    return await client.wait_for_completion_or_create_check_status_response(req, run, 5000, 50)


@app.route(route="signal/{id}/{event}", methods=["POST"])
@app.durable_client_input(client_name="client")
async def signal(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    await client.raise_event(req.route_params["id"], req.route_params["event"], req.get_json())
    return func.HttpResponse(status_code=202)


@app.route(route="status/{id}")
@app.durable_client_input(client_name="client")
async def status(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    state = await client.get_status(req.route_params["id"], show_history=True, show_history_output=True)
    return func.HttpResponse(json.dumps(state.to_json()), mimetype="application/json")


@app.route(route="echo/{word}/{count:int}", methods=["GET", "POST"])
def echo(req: func.HttpRequest) -> str:
    return f"{req.route_params['word']} x{req.route_params['count']} {req.params.get('q')} {req.get_body().decode()}"


@app.route(route="files/{*rest}", methods=["GET"])
def files(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(req.route_params.get("rest", "").encode(), mimetype="application/octet-stream")


@app.route(route="nothing", methods=["GET"])
def nothing(req: func.HttpRequest) -> None:
    return None


@app.route(route="breaks", methods=["GET"])
def breaks(req: func.HttpRequest) -> None:
    raise ValueError("a secret detail")


@app.activity_trigger(input_name="value")
async def nap(value: float) -> float:
    await asyncio.sleep(value)
    return value


@app.activity_trigger(input_name="value")
def blocking_nap(value: float) -> float:
    time.sleep(value)
    return value


@app.activity_trigger(input_name="value")
async def double(value: int) -> int:
    return value * 2


@app.activity_trigger(input_name="value")
async def note(value: dict[str, Any]) -> int:
    """Append a line to a file, so that tests know how often the activity ran."""
    with Path(value["path"]).open("a", encoding="utf-8") as file:
        file.write(f"{value['number']}\n")
    await asyncio.sleep(0.01)
    return int(value["number"]) * 2


@app.activity_trigger(input_name="value")
async def fail_until(value: dict[str, Any]) -> str:
    """Fail as long as the file has fewer lines than `times`."""
    path = Path(value["path"])
    attempts = len(path.read_text(encoding="utf-8").splitlines()) if path.exists() else 0
    with path.open("a", encoding="utf-8") as file:
        file.write("x\n")
    if attempts < value["times"]:
        raise ValueError(f"try {attempts}")
    return f"after {attempts}"


@app.orchestration_trigger(context_name="context")
def fan_out(context: df.DurableOrchestrationContext) -> Any:
    params = context.get_input()
    tasks = [context.call_activity(params["activity"], params["value"]) for _ in range(params["count"])]
    return (yield context.task_all(tasks))


@app.orchestration_trigger(context_name="context")
def chain(context: df.DurableOrchestrationContext) -> Any:
    value = 1
    for _ in range(context.get_input()["count"]):
        value = (yield context.call_activity("double", 1)) + value
    return value


@app.orchestration_trigger(context_name="context")
def noted(context: df.DurableOrchestrationContext) -> Any:
    """Chain and fan out activities that leave a trace in a file."""
    path = context.get_input()["path"]
    total = 0
    for round_ in range(4):
        tasks = [context.call_activity("note", {"path": path, "number": round_ * 10 + index}) for index in range(5)]
        total += sum((yield context.task_all(tasks)))
        yield context.create_timer(context.current_utc_datetime + timedelta(milliseconds=30))
        total += yield context.call_sub_orchestrator("doubled", {"value": round_})
    return total


@app.orchestration_trigger(context_name="context")
def doubled(context: df.DurableOrchestrationContext) -> Any:
    return (yield context.call_activity("double", context.get_input()["value"]))


@app.orchestration_trigger(context_name="context")
def retried(context: df.DurableOrchestrationContext) -> Any:
    options = df.RetryOptions(10, context.get_input()["attempts"])
    return (yield context.call_activity_with_retry("fail_until", options, context.get_input()))


@app.orchestration_trigger(context_name="context")
def caught(context: df.DurableOrchestrationContext) -> Any:
    try:
        yield context.call_activity("fail_until", context.get_input())
    except Exception as error:  # noqa: BLE001 - the SDK raises nothing finer
        return str(error)


@app.orchestration_trigger(context_name="context")
def parent_of_broken(context: df.DurableOrchestrationContext) -> Any:
    try:
        yield context.call_sub_orchestrator("breaks_down", None, "child-id")
    except Exception as error:  # noqa: BLE001
        return str(error)


@app.orchestration_trigger(context_name="context")
def breaks_down(context: df.DurableOrchestrationContext) -> Any:
    yield context.call_activity("double", 1)
    raise ValueError("broken on purpose")


@app.orchestration_trigger(context_name="context")
def asks(context: df.DurableOrchestrationContext) -> Any:
    context.set_custom_status({"waiting": True})
    first = context.wait_for_external_event("Answer")
    timer = context.create_timer(context.current_utc_datetime + timedelta(seconds=context.get_input()["seconds"]))
    winner = yield context.task_any([first, timer])
    if winner == first:
        timer.cancel()
        return first.result
    return "too late"


@app.orchestration_trigger(context_name="context")
def asks_twice(context: df.DurableOrchestrationContext) -> Any:
    first = yield context.wait_for_external_event("First")
    second = yield context.wait_for_external_event("Second")
    return [first, second]


@app.orchestration_trigger(context_name="context")
def counts_down(context: df.DurableOrchestrationContext) -> Any:
    left = context.get_input()
    left = left["left"] if isinstance(left, dict) else left
    value = yield context.call_activity("double", left)
    if left > 0:
        context.continue_as_new({"left": left - 1})
        return None
    return value


@app.orchestration_trigger(context_name="context")
def leaves_a_timer(context: df.DurableOrchestrationContext) -> Any:
    long = context.create_timer(context.current_utc_datetime + timedelta(seconds=context.get_input()["seconds"]))
    quick = context.call_activity("double", 4)
    yield context.task_any([long, quick])
    return "returned"


@app.orchestration_trigger(context_name="context")
def window(context: df.DurableOrchestrationContext) -> Any:
    """Keep a rolling window of two-step jobs full, with or without the nudge of a cancelled timer."""
    params = context.get_input()
    waiting, running, done = list(range(params["jobs"])), {}, 0
    while waiting or running:
        new = []
        while waiting and len(running) < params["window"]:
            task = _nap(context, params)
            running[task] = (waiting.pop(), 1)
            new.append(task)
        winner = yield context.task_any([*running, *_nudge(context, params)])
        while winner is not None:
            job, step = running.pop(winner)
            if step == 1:
                running[_nap(context, params)] = (job, 2)
            else:
                done += 1
            winner = next((task for task in running if task.is_completed), None)
    return done


def _nap(context: df.DurableOrchestrationContext, params: dict[str, Any]) -> Any:
    if params.get("retries"):
        return context.call_activity_with_retry("nap", df.RetryOptions(10, params["retries"]), params["nap"])
    return context.call_activity("nap", params["nap"])


def _nudge(context: df.DurableOrchestrationContext, params: dict[str, Any]) -> list[Any]:
    if not params["nudge"]:
        return []
    timer = context.create_timer(context.current_utc_datetime + timedelta(hours=1))
    timer.cancel()
    return [timer]


@app.orchestration_trigger(context_name="context")
def calls_nobody(context: df.DurableOrchestrationContext) -> Any:
    return (yield context.call_activity("nobody", None))


@app.orchestration_trigger(context_name="context")
def returns_nonsense(context: df.DurableOrchestrationContext) -> Any:
    yield context.call_activity("double", 1)
    return {1, 2}
