"""Eternal loop: a round of work at intervals, with state, until a person stops it."""

import json
from collections.abc import Generator
from datetime import timedelta
from typing import Any

import azure.durable_functions as df
import azure.functions as func

EVENT = "Stop"
MAX_PERIOD_SECONDS = 24 * 3600

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route(route="eternal_loop", methods=["POST"])
@app.durable_client_input(client_name="client")
async def start(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """Start measuring, once every `period_seconds`."""
    try:
        period = read_number(read_object(req), "period_seconds", 10, 0.1, MAX_PERIOD_SECONDS)
    except BadInput as problem:
        return func.HttpResponse(str(problem), status_code=400)
    state = {"period_seconds": period, "readings": 0, "total": 0, "lowest": None, "highest": None}
    instance = await client.start_new("measure_for_ever", client_input=state)
    return client.create_check_status_response(req, instance)


@app.orchestration_trigger(context_name="context")
def measure_for_ever(context: df.DurableOrchestrationContext) -> Generator[Any, Any, dict[str, Any] | None]:
    """Do one round. The next one is a new execution of the same instance, which gets the state and nothing else.

    So the history of the thousandth round is as short as that of the first. A `while True` would make it longer with
    every round, and every round would read all of it.
    """
    state: Any = context.get_input()
    reading = yield context.call_activity("read_thermometer", state["readings"])
    state = with_reading(state, reading)
    context.set_custom_status({"readings": state["readings"], "last": reading})
    stop = context.wait_for_external_event(EVENT)
    pause: Any = context.create_timer(context.current_utc_datetime + timedelta(seconds=state["period_seconds"]))
    winner = yield context.task_any([stop, pause])
    if winner is pause:
        context.continue_as_new(state)
        return None
    pause.cancel()  # an instance runs as long as one of its timers is open
    return report(state)


@app.activity_trigger(input_name="number")
def read_thermometer(number: int) -> int:
    """Simulate a thermometer: degrees from 15 to 25, always in the same order."""
    return 15 + number * 7 % 11


def with_reading(state: dict[str, Any], reading: int) -> dict[str, Any]:
    """Return the state after one more reading."""
    first = state["readings"] == 0
    return {
        **state,
        "readings": state["readings"] + 1,
        "total": state["total"] + reading,
        "lowest": reading if first else min(state["lowest"], reading),
        "highest": reading if first else max(state["highest"], reading),
    }


def report(state: dict[str, Any]) -> dict[str, Any]:
    """Return the output of the loop."""
    mean = round(state["total"] / state["readings"], 2)
    return {"readings": state["readings"], "mean": mean, "lowest": state["lowest"], "highest": state["highest"]}


class BadInput(ValueError):
    """A request that can't be used; the text says why."""


def read_number(body: dict[str, Any], field: str, default: float, smallest: float, largest: float) -> float:
    """Return the body's `field`, or the default if it is missing. JSON's true and false are no numbers."""
    value = body.get(field, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not smallest <= value <= largest:
        raise bad_field(body, field, f"a number from {smallest} to {largest}")
    return float(value)


def read_object(req: func.HttpRequest) -> dict[str, Any]:
    """Return the body, which must be a JSON object."""
    try:
        body = req.get_json()
    except ValueError:
        body = req.get_body().decode(errors="replace")
    if not isinstance(body, dict):
        raise BadInput(f"The body must be a JSON object, but it is {quoted(body)}.")
    return body


def bad_field(body: dict[str, Any], field: str, wanted: str) -> BadInput:
    """Make the error for a field: one sentence that names and quotes it."""
    value = quoted(body[field]) if field in body else "missing"
    return BadInput(f'The field "{field}" must be {wanted}, but it is {value}.')


def quoted(value: Any) -> str:
    """Return the value as JSON, cut where it gets long."""
    text = json.dumps(value)
    return text if len(text) <= 80 else f"{text[:80]}…"
