"""An orchestrator for each promise of Durable Functions that the conformance tests look at."""

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


@app.activity_trigger(input_name="given")
async def echo(given: Any) -> Any:
    return given


@app.activity_trigger(input_name="given")
def fail(given: Any) -> None:
    raise ValueError(given)


@app.activity_trigger(input_name="given")
def counted(given: dict[str, Any]) -> str:
    """A line in the file `path` for each attempt; fails in the first `fails` of them."""
    path = Path(given["path"])
    with path.open("a", encoding="utf-8") as file:
        file.write("x\n")
    tries = len(path.read_text(encoding="utf-8").splitlines())
    if tries <= given["fails"]:
        raise ValueError(f"attempt {tries}")
    return f"attempt {tries}"


@app.activity_trigger(input_name="given")
def needs_file(given: dict[str, Any]) -> str:
    """Its attempts are lines of the file `log`; fails until the file `path` is there."""
    with Path(given["log"]).open("a", encoding="utf-8") as file:
        file.write(f"{given['name']}\n")
    if not Path(given["path"]).exists():
        raise FileNotFoundError(given["name"])
    return str(given["name"])


@app.activity_trigger(input_name="given")
def unserialisable(given: Any) -> Any:
    return {1, 2}


# Inputs, outputs, replay


@app.orchestration_trigger(context_name="context")
def gets(context: Context) -> Any:
    return context.get_input()


@app.orchestration_trigger(context_name="context")
def gets_kind(context: Context) -> Any:
    given = yield context.call_activity("echo", context.get_input())
    return [type(given).__name__, given]


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
    return (yield context.call_activity(context.get_input()["name"], context.get_input().get("given")))


@app.orchestration_trigger(context_name="context")
def moments(context: Context) -> Any:
    """Ids and moments before and after each step, and whether it was replaying there."""
    seen = [[context.new_uuid(), context.new_uuid(), context.current_utc_datetime.isoformat()]]
    for number in range(3):
        yield context.call_activity("echo", number)
        seen.append([context.new_uuid(), context.new_uuid(), context.current_utc_datetime.isoformat()])
        context.set_custom_status({"seen": seen})
        yield context.wait_for_external_event(f"go{number}")
    return seen


@app.orchestration_trigger(context_name="context")
def replaying(context: Context) -> Any:
    found = [context.is_replaying]
    for number in range(2):
        yield context.call_activity("echo", number)
        found.append(context.is_replaying)
    return found


@app.orchestration_trigger(context_name="context")
def about_itself(context: Context) -> Any:
    return {"id": context.instance_id, "parent": context.parent_instance_id, "version": context.version}


# Activities and sub-orchestrations, alone and together


def _task(context: Context, each: dict[str, Any]) -> Any:
    given, options = each.get("given"), df.RetryOptions(each.get("pause", 1), each.get("attempts", 1))
    match each["kind"]:
        case "activity":
            return context.call_activity(each["name"], given)
        case "retried":
            return context.call_activity_with_retry(each["name"], options, given)
        case "sub":
            return context.call_sub_orchestrator(each["name"], given, each.get("id"), each.get("version"))
        case "retried sub":
            return context.call_sub_orchestrator_with_retry(each["name"], options, given, each.get("id"))
        case "timer":
            return context.create_timer(context.current_utc_datetime + timedelta(seconds=each["seconds"]))
        case "event":
            return context.wait_for_external_event(each["name"])
        case "call":
            return context.call_entity(df.EntityId(*each["entity"]), each["op"], given)
        case "http":
            return context.call_http("GET", each["url"])
    raise ValueError(each["kind"])


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
    """task_all; then, if asked, one step more."""
    given = context.get_input()
    try:
        found = yield context.task_all([_task(context, each) for each in given["tasks"]])
    except Exception as error:  # noqa: BLE001
        found = f"caught {error}"
    context.set_custom_status("got all")
    if given.get("more"):
        yield context.call_activity("echo", "more")
    return found


@app.orchestration_trigger(context_name="context")
def all_of_or_fail(context: Context) -> Any:
    return (yield context.task_all([_task(context, each) for each in context.get_input()["tasks"]]))


@app.orchestration_trigger(context_name="context")
def any_of(context: Context) -> Any:
    """task_any; the place and the result of the winner, and what is cancelled of the others."""
    given = context.get_input()
    tasks = [_task(context, each) for each in given["tasks"]]
    winner = yield context.task_any(tasks)
    for place in given.get("cancel", []):
        tasks[place].cancel()
    context.set_custom_status("got any")
    if given.get("more"):
        yield context.call_activity("echo", "more")
    found = winner.result
    return [tasks.index(winner), f"failed {found}" if isinstance(found, Exception) else found]


@app.orchestration_trigger(context_name="context")
def in_order(context: Context) -> Any:
    found = []
    for each in context.get_input()["tasks"]:
        found.append((yield _task(context, each)))  # noqa: PERF401 - a comprehension can't yield
    return found


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
    yield context.create_timer(datetime.fromisoformat(context.get_input()["moment"]))
    return "awake"


# Events, custom status, continue as new


@app.orchestration_trigger(context_name="context")
def waits_after_a_step(context: Context) -> Any:
    yield context.wait_for_external_event("Begin")
    found = []
    for _ in range(context.get_input()["waits"]):
        found.append((yield context.wait_for_external_event("E")))  # noqa: PERF401
    return found


@app.orchestration_trigger(context_name="context")
def statuses(context: Context) -> Any:
    """Sets each custom status of the input, and waits for Next after it."""
    for each in context.get_input()["statuses"]:
        context.set_custom_status(each)
        yield context.wait_for_external_event("Next")
    return "set"


@app.orchestration_trigger(context_name="context")
def eternal(context: Context) -> Any:
    """Adds events until one is 0. A round each."""
    total = context.get_input() or 0
    context.set_custom_status({"total": total})
    value = int((yield context.wait_for_external_event("Add")))
    if value:
        context.continue_as_new(total + value)
        return None
    return total


@app.orchestration_trigger(context_name="context")
def rounds(context: Context) -> Any:
    given = context.get_input()
    if given["left"]:
        yield context.call_activity("echo", given["left"])
        given["ids"] = list({*given["ids"], context.new_uuid()})
        context.continue_as_new({"left": given["left"] - 1, "ids": given["ids"]})
        return "ignored"
    return len(given["ids"])


@app.orchestration_trigger(context_name="context")
def anew_with(context: Context) -> Any:
    """Continues as new once, with what the input holds."""
    given = context.get_input()
    if isinstance(given, dict) and "next" in given:
        context.continue_as_new(given["next"])
        return None
    return [type(given).__name__, given]


@app.orchestration_trigger(context_name="context")
def anew_after_a_wait(context: Context) -> Any:
    """First round: waits for Go and goes on anew; second round: waits for E, a while."""
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
    """Each operation is [name, key, operation, value, is it a signal]."""
    found: list[Any] = []
    for name, key, operation, value, signal in context.get_input()["operations"]:
        if signal:
            context.signal_entity(df.EntityId(name, key), operation, value)
            continue
        try:
            found.append((yield context.call_entity(df.EntityId(name, key), operation, value)))
        except Exception as error:  # noqa: BLE001
            found.append(f"failed: {error}")
    return found


# HTTP


@app.orchestration_trigger(context_name="context")
def fetches(context: Context) -> Any:
    given = context.get_input()
    answer = yield context.call_http(
        given.get("method", "GET"), given["url"], given.get("content"), given.get("headers")
    )
    return answer


# Rewind


@app.orchestration_trigger(context_name="context")
def steps(context: Context) -> Any:
    """Runs `needs_file` for each step; a step is a name, or [name] for one whose failure is caught."""
    given, done = context.get_input(), []
    for each in given["steps"]:
        name = each if isinstance(each, str) else each[0]
        asked = {"name": name, "log": given["log"], "path": str(Path(given["folder"]) / name)}
        try:
            if given.get("sub"):
                done.append((yield context.call_sub_orchestrator("step", asked)))
            elif given.get("attempts"):
                options = df.RetryOptions(1, given["attempts"])
                done.append((yield context.call_activity_with_retry("needs_file", options, asked)))
            else:
                done.append((yield context.call_activity("needs_file", asked)))
        except Exception:
            if isinstance(each, str):
                raise
            done.append(f"no {name}")
    return done


@app.orchestration_trigger(context_name="context")
def step(context: Context) -> Any:
    return (yield context.call_activity("needs_file", context.get_input()))


# Code that changes: tests write it anew


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
    """Calls a method of the client with the body's arguments: {"result": …} or {"error": its text, "kind": …}."""
    method, given = req.route_params["method"], dict(req.get_json())
    entity = given.pop("entity", None)
    if entity:
        given["entityId"] = df.EntityId(*entity)
    for name in ("created_time_from", "created_time_to"):
        if given.get(name):
            given[name] = datetime.fromisoformat(given[name])
    if given.get("runtime_status"):
        given["runtime_status"] = [df.OrchestrationRuntimeStatus(each) for each in given["runtime_status"]]
    if given.pop("with_request", False):
        given["request"] = req
    try:
        result = getattr(client, method)(**given)
        result = await result if hasattr(result, "__await__") else result
    except Exception as error:  # noqa: BLE001 - what the client raises is what is looked at
        found: dict[str, Any] = {"error": str(error), "kind": type(error).__name__}
    else:
        if isinstance(result, func.HttpResponse):
            return result
        found = {"result": _plain(result)}
    return func.HttpResponse(json.dumps(found), mimetype="application/json")


def _plain(result: Any) -> Any:
    match result:
        case list():
            return [_plain(each) for each in result]
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
