"""Reads the requests of the management API: flags, numbers, times, filters, page tokens and JSON bodies.

A value that can't be used is answered with a 400 that names and quotes it.
"""

import base64
import json
from typing import Any

from aiohttp import web

from loopback.functions import protocol as wire
from loopback.functions.http.errors import bad_request
from loopback.functions.storage.store import Filter

DEFAULT_PAGE = 100
MAX_PAGE = 1_000_000
STATUSES = ("Running", "Completed", "ContinuedAsNew", "Failed", "Canceled", "Terminated", "Pending", "Suspended")
TOKEN_HEADER = "x-ms-continuation-token"  # noqa: S105 - a header's name


def flag(request: web.Request, name: str, *, default: bool = False) -> bool:
    return request.query.get(name, str(default)).lower() == "true"


def number(request: web.Request, name: str, default: float, *, low: float, high: float) -> float:
    text = request.query.get(name)
    try:
        value = default if text is None else float(text)
    except ValueError:
        value = float("nan")
    if not low <= value <= high:
        raise bad_request(f"{name} must be a number from {low:g} to {high:.0f}, not {text!r}.")
    return value


def page_size(request: web.Request) -> int:
    return int(number(request, "top", DEFAULT_PAGE, low=1, high=MAX_PAGE))


def timestamp(request: web.Request, name: str) -> str | None:
    """Read a time as a timestamp of the wire. The SDK sends years before 1000 without padding: "1-01-01T…"."""
    text = request.query.get(name)
    if not text:
        return None
    year, dash, rest = text.partition("-")
    try:
        return wire.timestamp(wire.parse_timestamp(f"{year:0>4}{dash}{rest.replace(' ', '+')}"))
    except (ValueError, OverflowError) as problem:
        raise bad_request(f"{name} must be a time such as 2026-01-31T12:00:00Z, not {text!r}.") from problem


def instance_filter(request: web.Request) -> Filter:
    """Read the condition on instances."""
    lists = request.query.getall("runtimeStatus", [])
    statuses = [status for text in lists for status in text.split(",") if status]
    known = {status.casefold(): status for status in STATUSES}
    for status in statuses:
        if status.casefold() not in known:
            raise bad_request(f"runtimeStatus must be one of {', '.join(STATUSES)}, not {status!r}.")
    return Filter(
        prefix=request.query.get("instanceIdPrefix", ""),
        created_from=timestamp(request, "createdTimeFrom"),
        created_to=timestamp(request, "createdTimeTo"),
        statuses=[known[status.casefold()] for status in statuses],
    )


def page_token(created: str, instance: str) -> str:
    """Make the token for the page after this instance."""
    return base64.urlsafe_b64encode(json.dumps([created, instance]).encode()).decode()


def page_start(request: web.Request) -> tuple[str, str]:
    """Read the (created, id) of the last instance of the page before; two empty strings for the first page."""
    token = request.headers.get(TOKEN_HEADER)
    if not token or token == "null":  # noqa: S105 - some clients send this for no token
        return "", ""
    try:
        created, instance = json.loads(base64.urlsafe_b64decode(token))
    except (ValueError, TypeError) as problem:
        raise bad_request(f"The continuation token is not from this host: {token!r}.") from problem
    return str(created), str(instance)


async def json_text(request: web.Request) -> str | None:
    """Return the body's JSON in the host's own spelling; None without a body; raises `ValueError`."""
    body = await request.text()
    return json.dumps(json.loads(body, parse_constant=_refuse_constant)) if body else None


def _refuse_constant(text: str) -> Any:
    raise ValueError(f"{text} is not valid JSON")
