"""Sub-orchestrations: an order whose lines are processed at the same time, each with retries of its own."""

import json
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from typing import Any

import azure.durable_functions as df
import azure.functions as func

CATALOGUE = {
    "apples": {"cents": 40, "stock": 100},
    "bread": {"cents": 320, "stock": 10},
    "honey": {"cents": 650, "stock": 2},
}
ATTEMPTS = 3
MAX_LINES = 50

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route(route="sub_orchestrations", methods=["POST"])
@app.durable_client_input(client_name="client")
async def start(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """Place an order of several lines."""
    try:
        request = read_order(req)
    except BadInput as problem:
        return func.HttpResponse(str(problem), status_code=400)
    instance = await client.start_new("order", client_input=request)
    return client.create_check_status_response(req, instance)


@app.orchestration_trigger(context_name="context")
def order(context: df.DurableOrchestrationContext) -> Generator[Any, Any, dict[str, Any]]:
    """Process all lines at once. No line fails as a whole (see `order_line`), so `task_all` loses nothing."""
    request: Any = context.get_input()
    now = context.current_utc_datetime
    tasks = []
    for number, line in enumerate(request["lines"], start=1):
        arrives_at = now + timedelta(seconds=line["arrives_in_seconds"])
        details = {"arrives_at": arrives_at.isoformat(), "label": f"{request['order']}/{number}"}
        details["retry_seconds"] = request["retry_seconds"]
        tasks.append(context.call_sub_orchestrator("order_line", {**line, **details}))
    lines = yield context.task_all(tasks)
    reserved = [line for line in lines if line["state"] == "reserved"]
    state = "complete" if len(reserved) == len(lines) else "partial" if reserved else "failed"
    total = sum(line["cents"] for line in reserved)
    return {"order": request["order"], "state": state, "lines": lines, "total_cents": total}


@app.orchestration_trigger(context_name="context")
def order_line(context: df.DurableOrchestrationContext) -> Generator[Any, Any, dict[str, Any]]:
    """Process one line; return the outcome as a value in every case.

    Raising would be wrong here: `task_all` raises at the first failure and drops the results of the other lines.
    """
    line: Any = context.get_input()
    about = {"article": line["article"], "quantity": line["quantity"]}
    price = yield context.call_activity("look_up_cents", line["article"])
    if price is None:
        return {**about, "state": "refused", "reason": f'There is no article "{line["article"]}".'}
    retry = df.RetryOptions(round(line["retry_seconds"] * 1000), ATTEMPTS)
    try:
        label = yield context.call_sub_orchestrator_with_retry("reserve", retry, line)
    except Exception as error:  # noqa: BLE001 - the SDK raises nothing finer
        return {**about, "state": "failed", "reason": str(error).strip()}
    return {**about, "state": "reserved", "cents": price * line["quantity"], "label": label}


@app.orchestration_trigger(context_name="context")
def reserve(context: df.DurableOrchestrationContext) -> Generator[Any, Any, str]:
    """Reserve the goods; on a failure this is retried as a whole. An uncaught error of an activity makes it fail."""
    line: Any = context.get_input()
    yield context.call_activity("take_from_stock", line)
    label: str = yield context.call_activity("write_label", line)
    return label


@app.activity_trigger(input_name="article")
def look_up_cents(article: str) -> int | None:
    """Return the price, or None. An unknown article is no exception, because a retry would not make it known."""
    entry = CATALOGUE.get(article)
    return entry["cents"] if entry else None


# The Functions worker refuses a parameter annotated with a generic type such as `dict[str, Any]`; `Any` it takes.
@app.activity_trigger(input_name="line")
def take_from_stock(line: Any) -> None:
    """Raise while the goods are on their way or out of stock. The catalogue's stock stays as it is."""
    if datetime.now(UTC) < datetime.fromisoformat(line["arrives_at"]):
        raise OutOfStock(f"{line['article']} are on their way")
    stock = CATALOGUE[line["article"]]["stock"]
    if line["quantity"] > stock:
        raise OutOfStock(f"{line['quantity']} {line['article']} are wanted, {stock} are there")


@app.activity_trigger(input_name="line")
def write_label(line: Any) -> str:
    """Write the label of the parcel."""
    return f"{line['label']}: {line['quantity']} {line['article']}"


class OutOfStock(Exception):
    """The goods are not there now. They may be later, so a retry makes sense."""


class BadInput(ValueError):
    """A request that can't be used; the text says why."""


def read_order(req: func.HttpRequest) -> dict[str, Any]:
    """Return the orchestrator's input: `order`, `lines`, `retry_seconds`."""
    body = read_object(req)
    if not isinstance(body.get("order"), str) or not 1 <= len(body["order"]) <= 40:
        raise bad_field(body, "order", "a string of 1 to 40 characters")
    lines = body.get("lines")
    if not isinstance(lines, list) or not 1 <= len(lines) <= MAX_LINES:
        raise bad_field(body, "lines", f"a list of 1 to {MAX_LINES} objects")
    checked = [read_line(f"lines[{index}]", line) for index, line in enumerate(lines)]
    return {"order": body["order"], "lines": checked, "retry_seconds": read_number(body, "retry_seconds", 1, 0.1, 60)}


def read_line(where: str, line: Any) -> dict[str, Any]:
    """Return a line: `article`, `quantity`, `arrives_in_seconds`. `where` is its place in the request."""
    if not isinstance(line, dict):
        raise bad_field({where: line}, where, "an object")
    body = {f"{where}.{field}": value for field, value in line.items()}
    article, quantity = line.get("article"), line.get("quantity")
    if not isinstance(article, str) or not 1 <= len(article) <= 40:
        raise bad_field(body, f"{where}.article", "a string of 1 to 40 characters")
    if isinstance(quantity, bool) or not isinstance(quantity, int) or not 1 <= quantity <= 1000:
        raise bad_field(body, f"{where}.quantity", "a whole number from 1 to 1000")
    arrives = read_number(body, f"{where}.arrives_in_seconds", 0, 0, 3600)
    return {"article": article, "quantity": quantity, "arrives_in_seconds": arrives}


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
