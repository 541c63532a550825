"""Stateful entity: bank accounts that take one operation at a time, and a transfer between two of them."""

import json
import re
from collections.abc import Generator
from typing import Any

import azure.durable_functions as df
import azure.functions as func

NAME = re.compile(r"[a-z0-9-]{1,40}")
NAME_WANTED = "1 to 40 characters of a-z, 0-9 and -"
"""A limit, because names are part of URLs and the SDK does not quote them."""
MAX_AMOUNT = 1_000_000
WITH_AMOUNT = ("deposit", "withdraw")

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route(route="stateful_entity", methods=["POST"])
@app.durable_client_input(client_name="client")
async def start(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """Start a transfer of `amount` `from` one account `to` another."""
    try:
        order = read_transfer(req)
    except BadInput as problem:
        return func.HttpResponse(str(problem), status_code=400)
    instance = await client.start_new("transfer", client_input=order)
    return client.create_check_status_response(req, instance)


@app.route(route="accounts/{name}/{operation}", methods=["POST"])
@app.durable_client_input(client_name="client")
async def signal(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """Signal an account: deposit, withdraw or reset. The result of a signal is not reported."""
    name, operation = req.route_params["name"], req.route_params["operation"]
    try:
        read_name({"name": name}, "name")
        if operation not in (*WITH_AMOUNT, "reset"):
            raise bad_field({"operation": operation}, "operation", '"deposit", "withdraw" or "reset"')
        amount = read_amount(read_object(req)) if operation in WITH_AMOUNT else None
    except BadInput as problem:
        return func.HttpResponse(str(problem), status_code=400)
    await client.signal_entity(df.EntityId("account", name), operation, amount)
    return func.HttpResponse(status_code=202)


@app.route(route="accounts/{name}", methods=["GET"])
@app.durable_client_input(client_name="client")
async def read(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """Return an account's balance as it was last stored."""
    name = req.route_params["name"]
    try:
        read_name({"name": name}, "name")
    except BadInput as problem:
        return func.HttpResponse(str(problem), status_code=400)
    entity = await client.read_entity_state(df.EntityId("account", name))
    if not entity.entity_exists or entity.entity_state is None:
        return func.HttpResponse(f"There is no account {quoted(name)}.", status_code=404)
    body = {"account": name, "balance": entity.entity_state["balance"]}
    return func.HttpResponse(json.dumps(body), mimetype="application/json")


@app.entity_trigger(context_name="context")
def account(context: df.DurableEntityContext) -> None:
    """Carry out an operation of an account, one at a time, so that no two withdrawals see the same balance.

    An operation that fails must leave the state as it was, since the host does not roll it back: check, then set.
    Every operation sets a result, or it would return the result of the operation before it in the same batch.
    """
    balance: int = context.get_state(lambda: {"balance": 0})["balance"]
    operation = context.operation_name
    if operation == "deposit":
        balance += context.get_input()
    elif operation == "withdraw":
        balance = withdraw(context.entity_key, balance, context.get_input())
    elif operation == "reset":
        balance = 0
    elif operation != "get":
        raise ValueError(f"an account has no operation {quoted(operation)}")
    context.set_state({"balance": balance})
    context.set_result(balance)


def withdraw(name: str, balance: int, amount: int) -> int:
    """Return the balance after a withdrawal; raise if there is not enough."""
    if amount > balance:
        raise ValueError(f"{name} has {balance}, which is less than {amount}")
    return balance - amount


@app.orchestration_trigger(context_name="context")
def transfer(context: df.DurableOrchestrationContext) -> Generator[Any, Any, dict[str, Any]]:
    """Withdraw, then deposit.

    Whether a withdrawal succeeds must be known before anything else, so it is a call. A deposit can't fail, so it is a
    signal, which is not yielded. Messages from one sender arrive in order: the `get` behind the signal sees its effect.
    """
    order: Any = context.get_input()
    source, target = df.EntityId("account", order["from"]), df.EntityId("account", order["to"])
    try:
        left = yield context.call_entity(source, "withdraw", order["amount"])
    except Exception as error:  # noqa: BLE001 - the SDK raises nothing finer
        return {"state": "refused", "reason": str(error)}
    context.signal_entity(target, "deposit", order["amount"])
    reached = yield context.call_entity(target, "get")
    return {"state": "done", "balances": {order["from"]: left, order["to"]: reached}}


class BadInput(ValueError):
    """A request that can't be used; the text says why."""


def read_transfer(req: func.HttpRequest) -> dict[str, Any]:
    """Return the orchestrator's input: `from`, `to`, `amount`."""
    body = read_object(req)
    order = {"from": read_name(body, "from"), "to": read_name(body, "to"), "amount": read_amount(body)}
    if order["from"] == order["to"]:
        raise bad_field(body, "to", 'another account than "from"')
    return order


def read_name(body: dict[str, Any], field: str) -> str:
    """Return an account's name."""
    name = body.get(field)
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise bad_field(body, field, NAME_WANTED)
    return name


def read_amount(body: dict[str, Any]) -> int:
    """Return the body's `amount`. It can't be 0, because the SDK sends no input with a signal of 0."""
    amount = body.get("amount")
    if isinstance(amount, bool) or not isinstance(amount, int) or not 1 <= amount <= MAX_AMOUNT:
        raise bad_field(body, "amount", f"a whole number from 1 to {MAX_AMOUNT}")
    return amount


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
