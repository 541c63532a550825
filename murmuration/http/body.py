"""Reads a request's body and query as contracts."""

import json
from datetime import datetime
from typing import Any, NoReturn, TypeVar

import azure.functions as func
from pydantic import TypeAdapter, ValidationError

from murmuration.contracts.base import Request, Timestamp
from murmuration.contracts.goals import MAX_WAIT_SECONDS
from murmuration.http.problems import HttpProblem, invalid, quote

R = TypeVar("R", bound=Request)

MAX_KEY_CHARACTERS = 255
MAX_NAME_CHARACTERS = 256
MAX_QUERY_CHARACTERS = 512
_INSTANT: TypeAdapter[datetime] = TypeAdapter(Timestamp)


def read_body(request: func.HttpRequest, contract: type[R], max_bytes: int) -> R:
    """The body as `contract`; raises `HttpProblem` 400, 413 or 415."""
    media_type = request.headers.get("Content-Type", "").split(";")[0].strip().lower()
    if media_type != "application/json":
        detail = f"Content-Type is {quote(media_type)}: send application/json"
        raise HttpProblem(415, "Unsupported media type", detail)
    body = request.get_body()
    if len(body) > max_bytes:
        detail = f"the body has {len(body)} bytes, at most {max_bytes} are taken"
        raise HttpProblem(413, "Body too large", detail)
    try:
        return contract.model_validate(_parsed(body))
    except ValidationError as error:
        raise invalid(error) from error


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body.decode("utf-8"), parse_constant=_not_json)
    except UnicodeDecodeError as error:
        raise HttpProblem(400, "Not JSON", f"the body is not UTF-8: byte {error.start}") from error
    except RecursionError as error:
        raise HttpProblem(400, "Not JSON", "the body is nested too deeply") from error
    except ValueError as error:
        raise HttpProblem(400, "Not JSON", f"the body is not JSON: {error}") from error


def _not_json(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON value")


def wait_seconds(request: func.HttpRequest) -> int | None:
    """`?wait=`: whole seconds, 0 to `MAX_WAIT_SECONDS`; None when it isn't given."""
    given = request.params.get("wait")
    if given is None:
        return None
    if not (given.isascii() and given.isdigit() and int(given[:6]) <= MAX_WAIT_SECONDS):
        raise invalid_field("wait", f"whole seconds from 0 to {MAX_WAIT_SECONDS}", given)
    return int(given)


def read_query(request: func.HttpRequest, field: str, most: int = MAX_QUERY_CHARACTERS) -> str:
    """A text of the query without the space around it, at most `most` characters; empty when it isn't given."""
    given: str = request.params.get(field, "").strip()
    if len(given) > most:
        raise invalid_field(field, f"at most {most} characters", given)
    return given


def idempotency_key(request: func.HttpRequest) -> str | None:
    """The header of this name: a repeated request with the same key is the same run."""
    key: str | None = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not (1 <= len(key) <= MAX_KEY_CHARACTERS and key.isascii() and key.isprintable()):
        raise invalid_field("Idempotency-Key", f"1 to {MAX_KEY_CHARACTERS} printable ASCII characters", key)
    return key


def parse_timestamp(request: func.HttpRequest, name: str) -> datetime | None:
    """A query parameter that is a time, such as 2026-11-21T10:00:00Z; None when it isn't given."""
    text = read_query(request, name, MAX_NAME_CHARACTERS)
    if not text:
        return None
    try:
        return _INSTANT.validate_python(text)
    except ValidationError:
        raise invalid_field(name, "a time with its offset, such as 2026-11-21T10:00:00Z", text) from None


def invalid_field(field: str, message: str, value: object) -> HttpProblem:
    """400 that names the field and quotes the value."""
    row = {"field": field, "message": message, "value": quote(value)}
    return HttpProblem(400, "Invalid request", f"{field}: {message} (got {quote(value)})", (row,))
