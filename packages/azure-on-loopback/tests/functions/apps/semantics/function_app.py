"""An orchestrator for each promise of Durable Functions that the conformance tests check."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import azure.durable_functions as df
import azure.functions as func
from azure.durable_functions.models.DurableOrchestrationStatus import DurableOrchestrationStatus
from azure.durable_functions.models.EntityStateResponse import EntityStateResponse
from azure.durable_functions.models.PurgeHistoryResult import PurgeHistoryResult

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
Context = df.DurableOrchestrationContext


# Activities


@app.activity_trigger(input_name="value")
async def echo(value: Any) -> Any:
    return value


@app.activity_trigger(input_name="value")
def fail(value: Any) -> None:
    raise ValueError(value)


@app.activity_trigger(input_name="value")
def counted(value: dict[str, Any]) -> str:
    """Append a line to the file `path`, and fail in the first `fails` attempts."""
    path = Path(value["path"])
    with path.open("a", encoding="utf-8") as file:
        file.write("x\n")
    attempt = len(path.read_text(encoding="utf-8").splitlines())
    if attempt <= value["fails"]:
        raise ValueError(f"attempt {attempt}")
    return f"attempt {attempt}"


@app.activity_trigger(input_name="value")
def needs_file(value: dict[str, Any]) -> str:
    """Append its name to the file `log`, and fail until the file `path` exists."""
    with Path(value["log"]).open("a", encoding="utf-8") as file:
        file.write(f"{value['name']}\n")
    if not Path(value["path"]).exists():
        raise FileNotFoundError(value["name"])
    return str(value["name"])


@app.activity_trigger(input_name="value")
def unserialisable(value: Any) -> Any:
    return {1, 2}


# Inputs, outputs, replay


@app.orchestration_trigger(context_name="context")
def gets(context: Context) -> Any:
    return context.get_input()


@app.orchestration_trigger(context_name="context")
def gets_kind(context: Context) -> Any:
    value = yield context.call_activity("echo", context.get_input())
    return [type(value).__name__, value]


@app.orchestration_trigger(context_name="context")
def no_generator(context: Context) -> Any:
    return "returned at once"


@app.orchestration_trigger(context_name="context")
def raises(context: Context) -> Any:
    raise ValueError("on purpose")
    yield


@app.orchestration_trigger(context_name="context")
def returns_a_set(context: Context) -> Any:
    yield context.call_activity("echo", 1)
    return {1}


@app.orchestration_trigger(context_name="context")
def calls(context: Context) -> Any:
    return (yield context.call_activity(context.get_input()["name"], context.get_input().get("input")))


@app.orchestration_trigger(context_name="context")
def ids_and_times(context: Context) -> Any:
    """Return the ids and times before and after each step."""
    seen = [[context.new_uuid(), context.new_uuid(), context.current_utc_datetime.isoformat()]]
    for number in range(3):
        yield context.call_activity("echo", number)
        seen.append([context.new_uuid(), context.new_uuid(), context.current_utc_datetime.isoformat()])
        context.set_custom_status({"seen": seen})
        yield context.wait_for_external_event(f"go{number}")
    return seen


@app.orchestration_trigger(context_name="context")
def replaying(context: Context) -> Any:
    flags = [context.is_replaying]
    for number in range(2):
        yield context.call_activity("echo", number)
        flags.append(context.is_replaying)
    return flags


@app.orchestration_trigger(context_name="context")
def about_itself(context: Context) -> Any:
    return {"id": context.instance_id, "parent": context.parent_instance_id, "version": context.version}


# Activities and sub-orchestrations, alone and together


def _task(context: Context, spec: dict[str, Any]) -> Any:
    value, options = spec.get("input"), df.RetryOptions(spec.get("pause", 1), spec.get("attempts", 1))
    match spec["kind"]:
        case "activity":
            return context.call_activity(spec["name"], value)
        case "retried":
            return context.call_activity_with_retry(spec["name"], options, value)
        case "sub":
            return context.call_sub_orchestrator(spec["name"], value, spec.get("id"), spec.get("version"))
        case "retried sub":
            return context.call_sub_orchestrator_with_retry(spec["name"], options, value, spec.get("id"))
        case "timer":
            return context.create_timer(context.current_utc_datetime + timedelta(seconds=spec["seconds"]))
        case "event":
            return context.wait_for_external_event(spec["name"])
        case "call":
            return context.call_entity(df.EntityId(*spec["entity"]), spec["op"], value)
        case "http":
            return context.call_http("GET", spec["url"])
    raise ValueError(spec["kind"])


@app.orchestration_trigger(context_name="context")
def one(context: Context) -> Any:
    return (yield _task(context, context.get_input()))


@app.orchestration_trigger(context_name="context")
def one_caught(context: Context) -> Any:
    try:
        return (yield _task(context, context.get_input()))
    except Exception as error:  # noqa: BLE001 - the SDK raises nothing finer
        return f"caught {error}"


@app.orchestration_trigger(context_name="context")
def all_of(context: Context) -> Any:
    """Wait for all tasks; with `more`, call an activity afterwards."""
    params = context.get_input()
    try:
        results = yield context.task_all([_task(context, spec) for spec in params["tasks"]])
    except Exception as error:  # noqa: BLE001
        results = f"caught {error}"
    context.set_custom_status("got all")
    if params.get("more"):
        yield context.call_activity("echo", "more")
    return results


@app.orchestration_trigger(context_name="context")
def all_of_or_fail(context: Context) -> Any:
    return (yield context.task_all([_task(context, spec) for spec in context.get_input()["tasks"]]))


@app.orchestration_trigger(context_name="context")
def any_of(context: Context) -> Any:
    """Wait for any task, and cancel those with the indexes in `cancel`; return the winner's index and result."""
    params = context.get_input()
    tasks = [_task(context, spec) for spec in params["tasks"]]
    winner = yield context.task_any(tasks)
    for index in params.get("cancel", []):
        tasks[index].cancel()
    context.set_custom_status("got any")
    if params.get("more"):
        yield context.call_activity("echo", "more")
    result = winner.result
    return [tasks.index(winner), f"failed {result}" if isinstance(result, Exception) else result]


@app.orchestration_trigger(context_name="context")
def in_order(context: Context) -> Any:
    results = []
    for spec in context.get_input()["tasks"]:
        results.append((yield _task(context, spec)))  # noqa: PERF401 - a comprehension can't yield
    return results


@app.orchestration_trigger(context_name="context")
def yields_twice(context: Context) -> Any:
    task = context.call_activity("echo", "same")
    return [(yield task), (yield task)]


@app.orchestration_trigger(context_name="context")
def never_yields(context: Context) -> Any:
    context.call_activity("fail", "not scheduled")
    context.wait_for_external_event("nobody raises it")
    return (yield context.call_activity("echo", "the only one"))


@app.orchestration_trigger(context_name="context")
def counted_sub(context: Context) -> Any:
    return (yield context.call_activity("counted", context.get_input()))


@app.orchestration_trigger(context_name="context")
def waits(context: Context) -> Any:
    context.set_custom_status("waiting")
    return (yield context.wait_for_external_event("Go"))


@app.orchestration_trigger(context_name="context")
def sleeps(context: Context) -> Any:
    began = context.current_utc_datetime
    yield context.create_timer(began + timedelta(seconds=context.get_input()["seconds"]))
    return (context.current_utc_datetime - began).total_seconds()


@app.orchestration_trigger(context_name="context")
def sleeps_until(context: Context) -> Any:
    yield context.create_timer(datetime.fromisoformat(context.get_input()["time"]))
    return "awake"


# Events, custom status, continue as new


@app.orchestration_trigger(context_name="context")
def waits_after_a_step(context: Context) -> Any:
    yield context.wait_for_external_event("Begin")
    values = []
    for _ in range(context.get_input()["waits"]):
        values.append((yield context.wait_for_external_event("E")))  # noqa: PERF401
    return values


@app.orchestration_trigger(context_name="context")
def statuses(context: Context) -> Any:
    """Set each custom status of the input, and wait for Next after it."""
    for status in context.get_input()["statuses"]:
        context.set_custom_status(status)
        yield context.wait_for_external_event("Next")
    return "set"


@app.orchestration_trigger(context_name="context")
def eternal(context: Context) -> Any:
    """Add the values of events until one is 0, in an execution for each."""
    total = context.get_input() or 0
    context.set_custom_status({"total": total})
    value = int((yield context.wait_for_external_event("Add")))
    if value:
        context.continue_as_new(total + value)
        return None
    return total


@app.orchestration_trigger(context_name="context")
def rounds(context: Context) -> Any:
    state = context.get_input()
    if state["left"]:
        yield context.call_activity("echo", state["left"])
        ids = list({*state["ids"], context.new_uuid()})
        context.continue_as_new({"left": state["left"] - 1, "ids": ids})
        return "ignored"
    return len(state["ids"])


@app.orchestration_trigger(context_name="context")
def anew_with(context: Context) -> Any:
    """Continue as new once, with the input's `next` as the new input."""
    value = context.get_input()
    if isinstance(value, dict) and "next" in value:
        context.continue_as_new(value["next"])
        return None
    return [type(value).__name__, value]


@app.orchestration_trigger(context_name="context")
def anew_after_a_wait(context: Context) -> Any:
    """Wait for Go and continue as new; in the second execution wait for E, at most an hour."""
    if (context.get_input() or {}).get("second"):
        event = context.wait_for_external_event("E")
        timer = context.create_timer(context.current_utc_datetime + timedelta(hours=1))
        context.set_custom_status("second round")
        winner = yield context.task_any([event, timer])
        if winner is event:
            timer.cancel()
            return event.result
        return "no event"
    context.set_custom_status("first round")
    if (context.get_input() or {}).get("leaves_a_timer"):
        timer = context.create_timer(context.current_utc_datetime + timedelta(minutes=1))
        yield context.task_any([timer, context.wait_for_external_event("Go")])
        context.set_custom_status("decided")
    else:
        yield context.wait_for_external_event("Go")
    context.continue_as_new({"second": True})


# Entities


@app.entity_trigger(context_name="context")
def box(context: df.DurableEntityContext) -> None:
    state = context.get_state(list)
    match context.operation_name:
        case "put":
            state.append(context.get_input())
            context.set_state(state)
            context.set_result(len(state))
        case "get":
            context.set_result(state)
        case "put_and_fail":
            state.append(context.get_input())
            context.set_state(state)
            raise ValueError("failed after it was put")
        case "delete":
            context.destruct_on_exit()
        case "set_to_a_set":
            context.set_state({1})
        case "who":
            context.set_result([context.entity_name, context.entity_key, context.operation_name])
        case "peek":
            context.set_result([context.get_input()])
        case other:
            raise LookupError(f"no operation {other}")


@app.orchestration_trigger(context_name="context")
def operates(context: Context) -> Any:
    """Carry out operations; each is [name, key, operation, value, whether it is a signal]."""
    results: list[Any] = []
    for name, key, operation, value, signal in context.get_input()["operations"]:
        if signal:
            context.signal_entity(df.EntityId(name, key), operation, value)
            continue
        try:
            results.append((yield context.call_entity(df.EntityId(name, key), operation, value)))
        except Exception as error:  # noqa: BLE001
            results.append(f"failed: {error}")
    return results


# HTTP


@app.orchestration_trigger(context_name="context")
def fetches(context: Context) -> Any:
    request = context.get_input()
    answer = yield context.call_http(
        request.get("method", "GET"), request["url"], request.get("content"), request.get("headers")
    )
    return answer


# Rewind


@app.orchestration_trigger(context_name="context")
def steps(context: Context) -> Any:
    """Call `needs_file` for each step; a step is a name, or [name] if its failure is to be caught."""
    params, done = context.get_input(), []
    for step_name in params["steps"]:
        name = step_name if isinstance(step_name, str) else step_name[0]
        value = {"name": name, "log": params["log"], "path": str(Path(params["folder"]) / name)}
        try:
            if params.get("sub"):
                done.append((yield context.call_sub_orchestrator("step", value)))
            elif params.get("attempts"):
                options = df.RetryOptions(1, params["attempts"])
                done.append((yield context.call_activity_with_retry("needs_file", options, value)))
            else:
                done.append((yield context.call_activity("needs_file", value)))
        except Exception:
            if isinstance(step_name, str):
                raise
            done.append(f"no {name}")
    return done


@app.orchestration_trigger(context_name="context")
def step(context: Context) -> Any:
    return (yield context.call_activity("needs_file", context.get_input()))


# Code that tests replace


@app.orchestration_trigger(context_name="context")
def changing(context: Context) -> Any:
    # begin
    yield context.call_activity("echo", 1)
    yield context.wait_for_external_event("Go")
    # end
    return "as it was"


# The client


@app.route(route="client/{method}/{id?}", methods=["POST"])
@app.durable_client_input(client_name="client")
async def use_client(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """Call a method of the client with the body's arguments; answer {"result": …} or {"error": its text, "kind": …}."""
    method, arguments = req.route_params["method"], dict(req.get_json())
    entity = arguments.pop("entity", None)
    if entity:
        arguments["entityId"] = df.EntityId(*entity)
    for name in ("created_time_from", "created_time_to"):
        if arguments.get(name):
            arguments[name] = datetime.fromisoformat(arguments[name])
    if arguments.get("runtime_status"):
        arguments["runtime_status"] = [df.OrchestrationRuntimeStatus(name) for name in arguments["runtime_status"]]
    if arguments.pop("with_request", False):
        arguments["request"] = req
    try:
        result = getattr(client, method)(**arguments)
        result = await result if hasattr(result, "__await__") else result
    except Exception as error:  # noqa: BLE001 - the tests check what the client raises
        body: dict[str, Any] = {"error": str(error), "kind": type(error).__name__}
    else:
        if isinstance(result, func.HttpResponse):
            return result
        body = {"result": _plain(result)}
    return func.HttpResponse(json.dumps(body), mimetype="application/json")


def _plain(result: Any) -> Any:
    match result:
        case list():
            return [_plain(item) for item in result]
        case DurableOrchestrationStatus() if not result:
            return None
        case DurableOrchestrationStatus():
            more = {"historyEvents": getattr(result, "historyEvents", None)}
            return {**result.to_json(), **more, "customStatus": result.custom_status}
        case EntityStateResponse():
            return {"exists": result.entity_exists, "state": result.entity_state}
        case PurgeHistoryResult():
            return {"deleted": result.instances_deleted}
    return result
