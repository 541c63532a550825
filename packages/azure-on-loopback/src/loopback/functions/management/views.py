"""How the management API shows instances, and reads what it is asked."""

import json
from collections.abc import Sequence
from typing import Any

from aiohttp import web

from loopback.functions import protocol as wire
from loopback.functions.protocol import Event
from loopback.functions.storage.store import Filter, Instance

PAGE = 100
STATUSES = ("Running", "Completed", "ContinuedAsNew", "Failed", "Canceled", "Terminated", "Pending", "Suspended")
SCHEDULED = (wire.TASK_SCHEDULED, wire.SUB_CREATED)
ENDED = (wire.TASK_COMPLETED, wire.TASK_FAILED, wire.SUB_COMPLETED, wire.SUB_FAILED)
TOKEN_HEADER = "x-ms-continuation-token"  # noqa: S105 - a header's name


def error(status: int, message: str, problem: BaseException | None = None) -> web.Response:
    """The extension's own form of an error."""
    kind = type(problem).__name__ if problem else ""
    body = {"Message": message, "ExceptionMessage": str(problem or message), "ExceptionType": kind, "StackTrace": ""}
    return web.json_response(body, status=status)


def refuse(message: str) -> web.HTTPBadRequest:
    body = {"Message": message, "ExceptionMessage": message, "ExceptionType": "ArgumentException", "StackTrace": ""}
    return web.HTTPBadRequest(text=json.dumps(body), content_type="application/json")


def flag(request: web.Request, name: str, *, default: bool = False) -> bool:
    return request.query.get(name, str(default)).lower() == "true"


def number(request: web.Request, name: str, default: float, *, least: float, most: float) -> float:
    """A number of the query; raises 400 that quotes one that is none, too small or too large."""
    text = request.query.get(name)
    try:
        value = default if text is None else float(text)
    except ValueError:
        value = float("nan")
    if not least <= value <= most:
        raise refuse(f"{name} is to be a number from {least:g} to {most:.0f}, not {text!r}.")
    return value


def top(request: web.Request) -> int:
    """How many a page holds at most."""
    return int(number(request, "top", PAGE, least=1, most=1_000_000))


def moment(request: web.Request, name: str) -> str | None:
    """A moment of the query as a timestamp. The SDK sends years before 1000 unpadded: "1-01-01T…"."""
    text = request.query.get(name)
    if not text:
        return None
    year, dash, rest = text.partition("-")
    try:
        return wire.timestamp(wire.parse_timestamp(f"{year:0>4}{dash}{rest.replace(' ', '+')}"))
    except (ValueError, OverflowError) as problem:
        raise refuse(f"{name} is to be a moment such as 2026-01-31T12:00:00Z, not {text!r}.") from problem


def asked_filter(request: web.Request) -> Filter:
    """Which instances a query is about."""
    statuses = [each for given in request.query.getall("runtimeStatus", []) for each in given.split(",") if each]
    known = {status.casefold(): status for status in STATUSES}
    for status in statuses:
        if status.casefold() not in known:
            raise refuse(f"runtimeStatus is one of {', '.join(STATUSES)}, not {status!r}.")
    return Filter(
        prefix=request.query.get("instanceIdPrefix", ""),
        created_from=moment(request, "createdTimeFrom"),
        created_to=moment(request, "createdTimeTo"),
        statuses=[known[status.casefold()] for status in statuses],
    )


def status_body(row: Instance, *, show_input: bool) -> dict[str, Any]:
    return {
        "name": row.name,
        "instanceId": row.id,
        "runtimeStatus": row.status,
        "input": _value(row.input) if show_input else None,
        "customStatus": _value(row.custom_status),
        "output": _value(row.output),
        "createdTime": row.created[:19] + "Z",
        "lastUpdatedTime": row.updated[:19] + "Z",
    }


def _value(text: str | None) -> Any:
    return None if text is None else json.loads(text)


def history_rows(history: Sequence[Event], *, outputs: bool) -> list[dict[str, Any]]:
    """Events as people read them: scheduled and completed in one row, no bookkeeping."""
    scheduled = {event["EventId"]: event for event in history if event["EventType"] in SCHEDULED}
    done = {event["TaskScheduledId"] for event in history if event["EventType"] in ENDED}
    hidden = (wire.ORCHESTRATOR_STARTED, wire.ORCHESTRATOR_COMPLETED)
    return [
        _row(event, scheduled, outputs=outputs)
        for event in history
        if event["EventType"] not in hidden and not (event["EventType"] in SCHEDULED and event["EventId"] in done)
    ]


def _row(each: Event, scheduled: dict[int, Event], *, outputs: bool) -> dict[str, Any]:
    row: dict[str, Any] = {"EventType": wire.EVENT_NAMES[each["EventType"]], "Timestamp": each["Timestamp"]}
    named = "FunctionName" if each["EventType"] == wire.EXECUTION_STARTED else "Name"
    for shown, name in (
        (named, "Name"),
        *((name, name) for name in ("FireAt", "Reason", "Details", "OrchestrationStatus")),
    ):
        if each.get(name) is not None:
            row[shown] = each[name]
    if each["EventType"] in (wire.SUB_CREATED, wire.EVENT_SENT):
        row["InstanceId"] = each["InstanceId"]
    if "TaskScheduledId" in each:
        first = scheduled[each["TaskScheduledId"]]
        row |= {"FunctionName": first["Name"], "ScheduledTime": first["Timestamp"]}
    if outputs and each.get("Result") is not None:
        row["Result"] = _value(each["Result"])
    return row
