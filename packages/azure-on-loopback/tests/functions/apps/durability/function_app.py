"""An app that makes every kind of change to a host's store. All of its work may be done twice without a trace."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import azure.durable_functions as df
import azure.functions as func

FOLDER = Path(os.environ["DURABILITY_FOLDER"])
app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.activity_trigger(input_name="name")
def note(name: str) -> str:
    """Make a file of this name."""
    (FOLDER / name).touch()
    return name


@app.activity_trigger(input_name="name")
def needs(name: str) -> str:
    if not (FOLDER / name).exists():
        raise FileNotFoundError(name)
    return name


@app.entity_trigger(context_name="context")
def names(context: df.DurableEntityContext) -> None:
    """A set of names."""
    known = set(context.get_state(list))
    if context.operation_name == "add":
        known.add(context.get_input())
        context.set_state(sorted(known))
    context.set_result(sorted(known))


@app.orchestration_trigger(context_name="context")
def everything(context: df.DurableOrchestrationContext) -> Any:
    """Do two rounds of work, with continue-as-new between them."""
    state = context.get_input()
    made = yield context.task_all([context.call_activity("note", f"{state['round']}-{name}") for name in "abc"])
    yield context.create_timer(context.current_utc_datetime + timedelta(milliseconds=50))
    child = yield context.call_sub_orchestrator("child", f"{state['round']}-child")
    entity = df.EntityId("names", "all")
    context.signal_entity(entity, "add", f"signal-{state['round']}")
    known = yield context.call_entity(entity, "add", f"call-{state['round']}")
    if state["round"] == 1:
        context.continue_as_new({"round": 2, "before": [*made, child]})
        return None
    context.set_custom_status("waits for Go")
    go = yield context.wait_for_external_event("Go")
    return {"before": state["before"], "made": made, "child": child, "known": known, "go": go}


@app.orchestration_trigger(context_name="context")
def child(context: df.DurableOrchestrationContext) -> Any:
    return (yield context.call_activity("note", context.get_input()))


@app.orchestration_trigger(context_name="context")
def waits(context: df.DurableOrchestrationContext) -> Any:
    return (yield context.wait_for_external_event("Answer"))


@app.orchestration_trigger(context_name="context")
def fails_first(context: df.DurableOrchestrationContext) -> Any:
    yield context.call_activity("note", "before-failure")
    return (yield context.call_activity("needs", "mended"))


@app.queue_trigger(arg_name="message", queue_name="work", connection="AzureWebJobsStorage")
def queued(message: func.QueueMessage) -> None:
    (FOLDER / f"queued-{message.get_body().decode()}").touch()


@app.timer_trigger(arg_name="timer", schedule="* * * * * *")
def tick(timer: func.TimerRequest) -> None:
    (FOLDER / "ticked").touch()
