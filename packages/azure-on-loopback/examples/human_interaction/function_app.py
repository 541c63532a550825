"""Human interaction: wait for a person's answer, remind, and go on without it when it does not come."""

import json
import logging
from collections.abc import Generator
from datetime import timedelta
from typing import Any

import azure.durable_functions as df
import azure.functions as func

EVENT = "Approval"
THREE_DAYS = 3 * 24 * 3600
"""The default, and the longest timeout: the SDK does not cancel timers of more than six days."""

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route(route="human_interaction", methods=["POST"])
@app.durable_client_input(client_name="client")
async def start(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """Ask for approval of `request`."""
    try:
        given = question_of(req)
    except BadInput as refused:
        return func.HttpResponse(str(refused), status_code=400)
    instance = await client.start_new("approval", client_input=given)
    return client.create_check_status_response(req, instance)


@app.route(route="approvals/{id}", methods=["POST"])
@app.durable_client_input(client_name="client")
async def answer(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """Send an answer that is known to be readable. `sendEventPostUri` takes any."""
    try:
        decision = decision_of(object_in(req))
    except BadInput as refused:
        return func.HttpResponse(str(refused), status_code=400)
    instance = req.route_params["id"]
    status = await client.get_status(instance)
    if not status:
        return func.HttpResponse(f"There is no request {quoted(instance)}.", status_code=404)
    if status.runtime_status not in (df.OrchestrationRuntimeStatus.Pending, df.OrchestrationRuntimeStatus.Running):
        return func.HttpResponse(f"The request {quoted(instance)} has been settled.", status_code=409)
    await client.raise_event(instance, EVENT, decision)
    return func.HttpResponse(status_code=202)


@app.orchestration_trigger(context_name="context")
def approval(context: df.DurableOrchestrationContext) -> Generator[Any, Any, dict[str, Any]]:
    """Ask, remind once, and settle: by the answer, or as expired.

    Timers that lost are cancelled: an instance runs as long as a timer of it is open.
    """
    given: Any = context.get_input()
    asked_at = context.current_utc_datetime
    yield context.call_activity("notify", f"Please approve: {given['request']}")
    answered = context.wait_for_external_event(EVENT)
    reminder: Any = context.create_timer(asked_at + timedelta(seconds=given["reminder_seconds"]))
    deadline: Any = context.create_timer(asked_at + timedelta(seconds=given["timeout_seconds"]))
    context.set_custom_status({"waiting_for": EVENT, "reminded": False})
    winner = yield context.task_any([answered, reminder, deadline])
    if reminded := winner is reminder:
        context.set_custom_status({"waiting_for": EVENT, "reminded": True})
        yield context.call_activity("notify", f"Still waiting for approval: {given['request']}")
        winner = yield context.task_any([answered, deadline])
    for timer in (reminder, deadline):
        if not timer.is_completed:
            timer.cancel()
    outcome = settled(answered.result) if winner is answered else {"outcome": "expired", "by": None}
    return {"request": given["request"], **outcome, "reminded": reminded}


@app.activity_trigger(input_name="message")
def notify(message: str) -> None:
    """Where a real app would send a mail or a chat message. It may be sent twice: activities run at least once."""
    logging.warning(message)


def settled(event: Any) -> dict[str, Any]:
    """What an event means. One that can't be read approves nothing.

    The SDK's `raise_event` delivers the value as a JSON string, a POST to `sendEventPostUri` delivers the value.
    """
    try:
        body = json.loads(event) if isinstance(event, str) else event
        decision = decision_of(body if isinstance(body, dict) else {})
    except ValueError:
        return {"outcome": "unreadable", "by": None}
    return {"outcome": "approved" if decision["approved"] else "rejected", "by": decision["by"]}


class BadInput(ValueError):
    """The request can't be used; the text says why."""


def question_of(req: func.HttpRequest) -> dict[str, Any]:
    """The orchestrator's input: `request`, `timeout_seconds`, `reminder_seconds`."""
    body = object_in(req)
    request = body.get("request")
    if not isinstance(request, str) or not 1 <= len(request) <= 500:
        raise refusal(body, "request", "a string of 1 to 500 characters")
    timeout = number(body, "timeout_seconds", THREE_DAYS, 1, THREE_DAYS)
    reminder = number(body, "reminder_seconds", timeout / 2, 0.1, timeout)
    return {"request": request, "timeout_seconds": timeout, "reminder_seconds": reminder}


def decision_of(body: dict[str, Any]) -> dict[str, Any]:
    """An answer: `approved` and `by`."""
    if not isinstance(body.get("approved"), bool):
        raise refusal(body, "approved", "true or false")
    if not isinstance(body.get("by"), str) or not body["by"]:
        raise refusal(body, "by", "the name of who decides")
    return {"approved": body["approved"], "by": body["by"]}


def number(body: dict[str, Any], field: str, default: float, smallest: float, largest: float) -> float:
    """The body's `field`, or the default when it is not there. JSON's true and false are no numbers."""
    value = body.get(field, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not smallest <= value <= largest:
        raise refusal(body, field, f"a number from {smallest} to {largest}")
    return float(value)


def object_in(req: func.HttpRequest) -> dict[str, Any]:
    """The body, which must be a JSON object."""
    try:
        body = req.get_json()
    except ValueError:
        body = req.get_body().decode(errors="replace")
    if not isinstance(body, dict):
        raise BadInput(f"The body must be a JSON object, but it is {quoted(body)}.")
    return body


def refusal(body: dict[str, Any], field: str, wanted: str) -> BadInput:
    """What is wrong with `field`, in one sentence."""
    found = quoted(body[field]) if field in body else "missing"
    return BadInput(f'The field "{field}" must be {wanted}, but it is {found}.')


def quoted(value: Any) -> str:
    """The value as JSON, cut where it gets long."""
    text = json.dumps(value)
    return text if len(text) <= 80 else f"{text[:80]}…"
