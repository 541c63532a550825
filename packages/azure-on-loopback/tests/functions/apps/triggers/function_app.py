"""Functions of every trigger but Durable's. Those without a caller write their arguments into a file."""

import asyncio
import json
import os
import threading
import time
from pathlib import Path
from typing import Any

import azure.durable_functions as df
import azure.functions as func

app = df.DFApp(http_auth_level=func.AuthLevel.FUNCTION)
ANYONE = func.AuthLevel.ANONYMOUS
_lock = threading.Lock()


def note(function: str, **facts: Any) -> None:
    """Append a line to the file of the setting NOTES."""
    with _lock, Path(os.environ["NOTES"]).open("a", encoding="utf-8") as file:
        file.write(json.dumps({"function": function, **facts}) + "\n")


def as_json(value: Any) -> func.HttpResponse:
    return func.HttpResponse(json.dumps(value), mimetype="application/json")


# Arguments.


@app.route(route="request/{word?}", auth_level=ANYONE)
async def request(req: func.HttpRequest) -> func.HttpResponse:
    return as_json(
        {
            "method": req.method,
            "url": req.url,
            "headers": dict(req.headers),
            "params": dict(req.params),
            "route": dict(req.route_params),
            "body": req.get_body().decode("latin-1"),
        }
    )


@app.route(route="mirror", methods=["POST"], auth_level=ANYONE)
def mirror(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(req.get_body(), mimetype="application/octet-stream")


@app.route(route="form", methods=["POST"], auth_level=ANYONE)
def form(req: func.HttpRequest) -> func.HttpResponse:
    files = {}
    for name, file in req.files.items():
        files[name] = [file.filename, file.read().decode("latin-1")]
        file.close()
    return as_json({"form": dict(req.form), "files": files})


@app.route(route="sum", methods=["POST"], auth_level=ANYONE)
def json_sum(req: func.HttpRequest) -> func.HttpResponse:
    try:
        return as_json(sum(req.get_json()))
    except ValueError:
        return func.HttpResponse("no JSON", status_code=400)


@app.route(route="context", auth_level=ANYONE)
def in_context(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    trace = context.trace_context
    folder = context.function_directory
    return as_json([context.function_name, context.invocation_id, folder, trace.Traceparent, trace.Tracestate])


# Answers.


@app.route(route="returns/{kind}", auth_level=ANYONE)
def returns(req: func.HttpRequest) -> Any:
    kinds = {
        "text": "grüße",
        "none": None,
        "html": func.HttpResponse("<p>", mimetype="text/html"),
        "json": func.HttpResponse("{}", mimetype="application/json"),
        "bytes": func.HttpResponse(bytes(range(256)), mimetype="image/png"),
        "latin": func.HttpResponse("é", charset="latin-1"),
        "own type": func.HttpResponse(b"x", headers={"Content-Type": "text/csv; header=present", "X-Own": "1"}),
        "created": func.HttpResponse("made", status_code=201, headers={"Location": "/api/it"}),
        "teapot": func.HttpResponse("short and stout", status_code=418),
        "empty": func.HttpResponse(status_code=202),
        "dict": {"a": 1},
        "list": [1],
        "number": 7,
        "raw": b"bytes",
    }
    return kinds[req.route_params["kind"]]


@app.route(route="cookies", auth_level=ANYONE)
def cookies(req: func.HttpRequest) -> func.HttpResponse:
    answer = func.HttpResponse("ok")
    answer.headers.add("Set-Cookie", "one=1; Path=/")
    answer.headers.add("Set-Cookie", "two=2; HttpOnly")
    return answer


@app.route(route="large/{megabytes:int}", auth_level=ANYONE)
async def large(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(b"0123456789abcdef" * 65536 * int(req.route_params["megabytes"]))


@app.route(route="raises/{how}", auth_level=ANYONE)
async def raises(req: func.HttpRequest) -> str:
    if req.route_params["how"] == "exit":
        raise SystemExit(3)
    raise LookupError("a secret detail")


@app.route(route="raises_in_thread/{how}", auth_level=ANYONE)
def raises_in_thread(req: func.HttpRequest) -> str:
    if req.route_params["how"] == "exit":
        raise SystemExit(3)
    raise LookupError("a secret detail")


# Routing.


@app.route(route="pick/{*rest}", auth_level=ANYONE)
def pick_rest(req: func.HttpRequest) -> str:
    return f"rest {req.route_params.get('rest', '')}"


@app.route(route="pick/{name}", auth_level=ANYONE)
def pick_name(req: func.HttpRequest) -> str:
    return f"name {req.route_params['name']}"


@app.route(route="pick/file.{ext}", auth_level=ANYONE)
def pick_file(req: func.HttpRequest) -> str:
    return f"file {req.route_params['ext']}"


@app.route(route="pick/{id:int}", auth_level=ANYONE)
def pick_id(req: func.HttpRequest) -> str:
    return f"id {req.route_params['id']}"


@app.route(route="pick/fixed", methods=["GET"], auth_level=ANYONE)
def pick_fixed(req: func.HttpRequest) -> str:
    return "fixed"


@app.route(route="pick/fixed", methods=["PUT"], auth_level=ANYONE)
def pick_put(req: func.HttpRequest) -> str:
    return "put"


@app.route(route="only", methods=["GET"], auth_level=ANYONE)
def only_get(req: func.HttpRequest) -> str:
    return "got"


@app.route(route="pages/{number:int=1}", auth_level=ANYONE)
def pages(req: func.HttpRequest) -> str:
    return f"page {req.route_params['number']}"


@app.route(auth_level=ANYONE)
def unrouted(req: func.HttpRequest) -> str:
    return "by its name"


# Authorization levels.


@app.route(route="keyed")
def keyed(req: func.HttpRequest) -> str:
    return "keyed"


@app.route(route="keyed_too", auth_level="FUNCTION")
def keyed_too(req: func.HttpRequest) -> str:
    return "keyed too"


@app.route(route="for_admins", auth_level=func.AuthLevel.ADMIN)
def for_admins(req: func.HttpRequest) -> str:
    return "for admins"


@app.route(route="anyone", auth_level=ANYONE)
def anyone(req: func.HttpRequest) -> str:
    return "anyone"


@app.route(route="patient", methods=["POST"], auth_level=ANYONE)
async def patient(req: func.HttpRequest) -> str:
    return await _wait("patient", req.get_json()["until"])


@app.route(route="patient_in_thread", methods=["POST"], auth_level=ANYONE)
def patient_in_thread(req: func.HttpRequest) -> str:
    return asyncio.run(_wait("patient_in_thread", req.get_json()["until"]))


async def _wait(function: str, until: str) -> str:
    note(function, at="begin")
    while not Path(until).exists():
        await asyncio.sleep(0.01)
    note(function, at="end")
    return "patience"


@app.route(route="start", auth_level=ANYONE)
@app.durable_client_input(client_name="client")
async def start(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    run = await client.start_new("answers", client_input=req.params.get("q"))
    await client.raise_event(run, "Word", "raised")
    status = await client.wait_for_completion_or_create_check_status_response(req, run, 5000, 20)
    links = client.create_http_management_payload(run)
    state = await client.get_status(run)
    return as_json({"output": json.loads(status.get_body()), "links": links, "status": state.runtime_status.name})


@app.orchestration_trigger(context_name="context")
def answers(context: df.DurableOrchestrationContext) -> Any:
    word = yield context.wait_for_external_event("Word")
    return [context.get_input(), word]


# Functions without a caller. A YEARLY one never runs during a test, unless the test moves its clock on.

YEARLY = "0 0 0 1 1 *"


def _note_timer(function: str, timer: func.TimerRequest) -> None:
    note(function, past_due=timer.past_due, status=timer.schedule_status)


@app.timer_trigger(schedule="%TICK%", arg_name="timer")
def ticking(timer: func.TimerRequest) -> None:
    _note_timer("ticking", timer)


@app.timer_trigger(schedule=YEARLY, arg_name="timer")
async def yearly(timer: func.TimerRequest) -> None:
    _note_timer("yearly", timer)


@app.timer_trigger(schedule=YEARLY, arg_name="timer", use_monitor=False)
async def unwatched(timer: func.TimerRequest) -> None:
    _note_timer("unwatched", timer)


@app.timer_trigger(schedule=YEARLY, arg_name="timer", run_on_startup=True)
async def at_start(timer: func.TimerRequest) -> None:
    _note_timer("at_start", timer)


@app.timer_trigger(schedule="%SLOW%", arg_name="timer")
async def slow(timer: func.TimerRequest) -> None:
    note("slow", at="begin")
    while not Path(os.environ["NOTES"] + ".release").exists():
        await asyncio.sleep(0.005)
    note("slow", at="end")


@app.timer_trigger(schedule=YEARLY, arg_name="timer")
async def fails_once(timer: func.TimerRequest) -> None:
    note("fails_once")
    raise RuntimeError("no retry policy")


@app.retry(strategy="fixed_delay", max_retry_count="2", delay_interval="00:00:10")
@app.timer_trigger(schedule=YEARLY, arg_name="timer")
async def fails_thrice(timer: func.TimerRequest, context: func.Context) -> None:
    retry = context.retry_context
    note("fails_thrice", retry=retry.retry_count, of=retry.max_retry_count, time=time.time())
    raise RuntimeError(f"try {retry.retry_count}")


@app.retry(
    strategy="exponential_backoff", max_retry_count="-1", minimum_interval="00:00:10", maximum_interval="00:01:00"
)
@app.timer_trigger(schedule=YEARLY, arg_name="timer")
async def fails_long(timer: func.TimerRequest, context: func.Context) -> None:
    note("fails_long", retry=context.retry_context.retry_count)
    if context.retry_context.retry_count < 4:
        raise RuntimeError("again")


@app.queue_trigger(arg_name="message", queue_name="%QUEUE%", connection="AzureWebJobsStorage")
async def on_message(message: func.QueueMessage) -> None:
    text = message.get_body().decode()
    times = [message.insertion_time, message.expiration_time, message.time_next_visible]
    note(
        "on_message",
        text=text,
        tries=message.dequeue_count,
        id=message.id,
        times=[moment.isoformat() for moment in times],
    )
    if text.startswith("wait "):
        await _wait("on_message", text.removeprefix("wait "))
    if text.startswith("fail ") and message.dequeue_count <= int(text.split()[1]):
        raise ValueError(f"{text}: try {message.dequeue_count}")


@app.queue_trigger(arg_name="message", queue_name="sync", connection="AzureWebJobsStorage")
def on_message_in_thread(message: func.QueueMessage) -> None:
    note("on_message_in_thread", json=message.get_json())


@app.blob_trigger(arg_name="blob", path="samples/{name}.txt", connection="Storage", source="EventGrid")
async def on_blob(blob: func.InputStream) -> None:
    note("on_blob", name=blob.name, uri=blob.uri, length=blob.length, text=blob.read().decode())


@app.blob_trigger(arg_name="blob", path="anything", connection="Storage", source="EventGrid")
def on_any_blob(blob: func.InputStream) -> None:
    note("on_any_blob", name=blob.name, text=blob.read().decode())


@app.event_grid_trigger(arg_name="event")
async def on_event(event: func.EventGridEvent) -> None:
    kind = event.type if isinstance(event, func.CloudEvent) else event.event_type
    note("on_event", id=event.id, kind=kind, data=event.get_json(), subject=event.subject, form=type(event).__name__)
    if kind == "bad":
        raise ValueError("a bad event")
