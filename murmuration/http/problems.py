"""Errors over HTTP: problem+json (RFC 9457) that names the field and quotes the value, and reveals nothing else."""

import json
import traceback
from collections.abc import Awaitable, Callable, Mapping
from functools import wraps
from typing import Any

import azure.functions as func
from pydantic import ValidationError

from murmuration.services.errors import SettingsError, StepError
from murmuration.services.telemetry.log import log

QUOTED_CHARACTERS = 100
PROBLEM = "application/problem+json"
Handler = Callable[..., Awaitable[func.HttpResponse]]


class HttpProblem(Exception):
    """An answer other than success.

    `errors` has a row for each field: field, message, value. `members` are added to the body.
    """

    def __init__(
        self,
        status: int,
        title: str,
        detail: str,
        errors: tuple[dict[str, str], ...] = (),
        members: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.title = title
        self.errors = errors
        self.members = members or {}
        self.headers = headers or {}

    def response(self) -> func.HttpResponse:
        """Make the answer."""
        body: dict[str, Any] = {
            "type": "about:blank",
            "title": self.title,
            "status": self.status,
            "detail": str(self),
            **self.members,
        }
        if self.errors:
            body["errors"] = list(self.errors)
        headers = dict(self.headers)
        return func.HttpResponse(json.dumps(body), status_code=self.status, mimetype=PROBLEM, headers=headers)


def quote(value: object) -> str:
    """Write the value as the caller will recognise it, cut to `QUOTED_CHARACTERS`."""
    text = repr(value)
    return text if len(text) <= QUOTED_CHARACTERS else text[:QUOTED_CHARACTERS] + "…"


def invalid(error: ValidationError) -> HttpProblem:
    """Make a 400 with a row for each field that a contract refused."""
    rows = tuple(
        {
            "field": ".".join(str(part) for part in row["loc"]) or "(body)",
            "message": _message(row),
            "value": quote(row["input"]),
        }
        for row in error.errors(include_url=False)
    )
    detail = "; ".join(f"{row['field']}: {row['message']} (got {row['value']})" for row in rows[:3])
    return HttpProblem(400, "Invalid request", detail, rows)


def _message(row: Any) -> str:
    if row["type"] == "extra_forbidden":
        return "unknown field"
    if row["type"] == "missing":
        return "is missing"
    return str(row["msg"]).removeprefix("Value error, ")


def answering(handler: Handler) -> Handler:
    """Turn the exceptions of a handler into problem+json."""

    @wraps(handler)
    async def answer(*args: Any, **kwargs: Any) -> func.HttpResponse:
        try:
            return await handler(*args, **kwargs)
        except HttpProblem as problem:
            return problem.response()
        except SettingsError as problem:
            log("settings_error", reason=str(problem))
            return HttpProblem(503, "Not configured", str(problem)).response()
        except StepError as problem:
            log("request_failed", code=problem.code)
            return HttpProblem(503, "Not available", f"{problem.code}: {problem}").response()
        except Exception as bug:  # noqa: BLE001 - the boundary: its text may hold content
            where = traceback.extract_tb(bug.__traceback__)[-1]
            file, line = where.filename, where.lineno or 0
            log("request_broke", handler=handler.__name__, error=type(bug).__name__, file=file, line=line)
            return HttpProblem(500, "Internal error", "the request could not be handled").response()

    return answer
