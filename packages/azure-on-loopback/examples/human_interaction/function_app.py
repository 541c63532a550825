"""Human interaction: wait for a person's answer, remind, and go on without an answer at a deadline."""

import json
import logging
from collections.abc import Generator
from datetime import timedelta
from typing import Any

import azure.durable_functions as df
import azure.functions as func

EVENT = "Approval"
THREE_DAYS = 3 * 24 * 3600
"""The default and the longest timeout, since the SDK does not cancel timers of more than six days."""

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route(route="human_interaction", methods=["POST"])
@app.durable_client_input(client_name="client")
async def start(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """Ask for approval of `request`."""
    try:
        question = read_question(req)
    except BadInput as problem:
        return func.HttpResponse(str(problem), status_code=400)
    instance = await client.start_new("approval", client_input=question)
    return client.create_check_status_response(req, instance)


@app.route(route="approvals/{id}", methods=["POST"])
@app.durable_client_input(client_name="client")
async def answer(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """Check an answer and send it on. `sendEventPostUri` takes any answer."""
    try:
        decision = read_decision(read_object(req))
    except BadInput as problem:
        return func.HttpResponse(str(problem), status_code=400)
    instance = req.route_params["id"]
    status = await client.get_status(instance)
    if not status:
        return func.HttpResponse(f"There is no request {quoted(instance)}.", status_code=404)
    if status.runtime_status not in (df.OrchestrationRuntimeStatus.Pending, df.OrchestrationRuntimeStatus.Running):
        return func.HttpResponse(f"The request {quoted(instance)} has been decided.", status_code=409)
    await client.raise_event(instance, EVENT, decision)
    return func.HttpResponse(status_code=202)


@app.orchestration_trigger(context_name="context")
def approval(context: df.DurableOrchestrationContext) -> Generator[Any, Any, dict[str, Any]]:
    """Ask, remind once, and return the decision, or that the request has expired.

    Timers that lost are cancelled, because an instance runs as long as one of its timers is open.
    """
    question: Any = context.get_input()
    began = context.current_utc_datetime
    yield context.call_activity("notify", f"Please approve: {question['request']}")
    answered = context.wait_for_external_event(EVENT)
    reminder: Any = context.create_timer(began + timedelta(seconds=question["reminder_seconds"]))
    deadline: Any = context.create_timer(began + timedelta(seconds=question["timeout_seconds"]))
    context.set_custom_status({"waiting_for": EVENT, "reminded": False})
    winner = yield context.task_any([answered, reminder, deadline])
    if reminded := winner is reminder:
        context.set_custom_status({"waiting_for": EVENT, "reminded": True})
        yield context.call_activity("notify", f"Still waiting for approval: {question['request']}")
        winner = yield context.task_any([answered, deadline])
    for timer in (reminder, deadline):
        if not timer.is_completed:
            timer.cancel()
    outcome = read_event(answered.result) if winner is answered else {"outcome": "expired", "by": None}
    return {"request": question["request"], **outcome, "reminded": reminded}


@app.activity_trigger(input_name="message")
def notify(message: str) -> None:
    """Log a message; a real app would send a mail. It may be sent twice, because activities run at least once."""
    logging.warning(message)


def read_event(event: Any) -> dict[str, Any]:
    """Return the outcome for an event. One that can't be read approves nothing.

    The SDK's `raise_event` delivers the value as a JSON string, a POST to `sendEventPostUri` delivers the value.
    """
    try:
        body = json.loads(event) if isinstance(event, str) else event
        decision = read_decision(body if isinstance(body, dict) else {})
    except ValueError:
        return {"outcome": "unreadable", "by": None}
    return {"outcome": "approved" if decision["approved"] else "rejected", "by": decision["by"]}


class BadInput(ValueError):
    """A request that can't be used; the text says why."""


def read_question(req: func.HttpRequest) -> dict[str, Any]:
    """Return the orchestrator's input: `request`, `timeout_seconds`, `reminder_seconds`."""
    body = read_object(req)
    request = body.get("request")
    if not isinstance(request, str) or not 1 <= len(request) <= 500:
        raise bad_field(body, "request", "a string of 1 to 500 characters")
    timeout = read_number(body, "timeout_seconds", THREE_DAYS, 1, THREE_DAYS)
    reminder = read_number(body, "reminder_seconds", timeout / 2, 0.1, timeout)
    return {"request": request, "timeout_seconds": timeout, "reminder_seconds": reminder}


def read_decision(body: dict[str, Any]) -> dict[str, Any]:
    """Return an answer: `approved` and `by`."""
    if not isinstance(body.get("approved"), bool):
        raise bad_field(body, "approved", "true or false")
    if not isinstance(body.get("by"), str) or not body["by"]:
        raise bad_field(body, "by", "the name of the person who decides")
    return {"approved": body["approved"], "by": body["by"]}


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
