"""Sub-orchestrations: an order whose lines are worked on side by side, each tried again by itself."""

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
        given = order_of(req)
    except BadInput as refused:
        return func.HttpResponse(str(refused), status_code=400)
    instance = await client.start_new("order", client_input=given)
    return client.create_check_status_response(req, instance)


@app.orchestration_trigger(context_name="context")
def order(context: df.DurableOrchestrationContext) -> Generator[Any, Any, dict[str, Any]]:
    """All lines at once. No line fails as a whole (see `order_line`), so `task_all` loses nothing."""
    given: Any = context.get_input()
    now = context.current_utc_datetime
    tasks = []
    for number, line in enumerate(given["lines"], start=1):
        arrives_at = now + timedelta(seconds=line["arrives_in_seconds"])
        told = {**line, "arrives_at": arrives_at.isoformat(), "label": f"{given['order']}/{number}"}
        tasks.append(context.call_sub_orchestrator("order_line", {**told, "retry_seconds": given["retry_seconds"]}))
    lines = yield context.task_all(tasks)
    reserved = [line for line in lines if line["state"] == "reserved"]
    state = "complete" if len(reserved) == len(lines) else "partial" if reserved else "failed"
    total = sum(line["cents"] for line in reserved)
    return {"order": given["order"], "state": state, "lines": lines, "total_cents": total}


@app.orchestration_trigger(context_name="context")
def order_line(context: df.DurableOrchestrationContext) -> Generator[Any, Any, dict[str, Any]]:
    """What becomes of one line, as a value in every case.

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
    """What is tried again as a whole. When an activity raises and nobody catches it, the sub-orchestration fails."""
    line: Any = context.get_input()
    yield context.call_activity("take_from_stock", line)
    label: str = yield context.call_activity("write_label", line)
    return label


@app.activity_trigger(input_name="article")
def look_up_cents(article: str) -> int | None:
    """The price, or None. An unknown article is no exception: trying again would not make it known."""
    found = CATALOGUE.get(article)
    return found["cents"] if found else None


# The Functions worker refuses a parameter annotated with a generic type such as `dict[str, Any]`; `Any` it takes.
@app.activity_trigger(input_name="line")
def take_from_stock(line: Any) -> None:
    """Raises while the goods are under way, or too few of them are there. The catalogue's stock stays as it is."""
    if datetime.now(UTC) < datetime.fromisoformat(line["arrives_at"]):
        raise OutOfStock(f"{line['article']} are under way")
    stock = CATALOGUE[line["article"]]["stock"]
    if line["quantity"] > stock:
        raise OutOfStock(f"{line['quantity']} {line['article']} are wanted, {stock} are there")


@app.activity_trigger(input_name="line")
def write_label(line: Any) -> str:
    """What is stuck on the parcel."""
    return f"{line['label']}: {line['quantity']} {line['article']}"


class OutOfStock(Exception):
    """The goods are not there now. They may be later, so trying again makes sense."""


class BadInput(ValueError):
    """The request can't be used; the text says why."""


def order_of(req: func.HttpRequest) -> dict[str, Any]:
    """The orchestrator's input: `order`, `lines`, `retry_seconds`."""
    body = object_in(req)
    if not isinstance(body.get("order"), str) or not 1 <= len(body["order"]) <= 40:
        raise refusal(body, "order", "a string of 1 to 40 characters")
    lines = body.get("lines")
    if not isinstance(lines, list) or not 1 <= len(lines) <= MAX_LINES:
        raise refusal(body, "lines", f"a list of 1 to {MAX_LINES} objects")
    checked = [line_of(f"lines[{index}]", line) for index, line in enumerate(lines)]
    return {"order": body["order"], "lines": checked, "retry_seconds": number(body, "retry_seconds", 1, 0.1, 60)}


def line_of(where: str, line: Any) -> dict[str, Any]:
    """A line: `article`, `quantity`, and when the goods arrive (`arrives_in_seconds`). `where` is its place."""
    if not isinstance(line, dict):
        raise refusal({where: line}, where, "an object")
    body = {f"{where}.{field}": value for field, value in line.items()}
    article, quantity = line.get("article"), line.get("quantity")
    if not isinstance(article, str) or not 1 <= len(article) <= 40:
        raise refusal(body, f"{where}.article", "a string of 1 to 40 characters")
    if isinstance(quantity, bool) or not isinstance(quantity, int) or not 1 <= quantity <= 1000:
        raise refusal(body, f"{where}.quantity", "a whole number from 1 to 1000")
    arrives = number(body, f"{where}.arrives_in_seconds", 0, 0, 3600)
    return {"article": article, "quantity": quantity, "arrives_in_seconds": arrives}


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
