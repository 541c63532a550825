"""Read a request's body and query as contracts."""

from datetime import datetime
from typing import Any, TypeVar

import azure.functions as func
from pydantic import AwareDatetime, TypeAdapter, ValidationError
from pydantic.json_schema import GenerateJsonSchema

from murmuration.contracts.base import Contract
from murmuration.contracts.goals import MAX_WAIT_SECONDS
from murmuration.http.problems import HttpProblem, invalid, quote

C = TypeVar("C", bound=Contract)

MAX_KEY_CHARACTERS = 255
MAX_NAME_CHARACTERS = 256
MAX_QUERY_CHARACTERS = 512
_TIMESTAMP: TypeAdapter[datetime] = TypeAdapter(AwareDatetime)


def read_body(request: func.HttpRequest, contract: type[C], max_bytes: int) -> C:
    """Parse the body as `contract`; raises `HttpProblem` 400, 413 or 415.

    A caller is told of an unknown field and of a value of another type ("5" for 5): both are mistakes that would
    otherwise pass unseen.
    """
    media_type = request.headers.get("Content-Type", "").split(";")[0].strip().lower()
    if media_type != "application/json":
        detail = f"Content-Type is {quote(media_type)}: send application/json"
        raise HttpProblem(415, "Unsupported media type", detail)
    body = request.get_body()
    if len(body) > max_bytes:
        detail = f"the body has {len(body)} bytes, at most {max_bytes} are taken"
        raise HttpProblem(413, "Body too large", detail)
    try:
        return contract.model_validate_json(body.decode("utf-8"), strict=True, extra="forbid")
    except UnicodeDecodeError as error:
        raise HttpProblem(400, "Not JSON", f"the body is not UTF-8: byte {error.start}") from error
    except ValidationError as error:
        raise _not_json(error) or invalid(error) from error


def _not_json(error: ValidationError) -> HttpProblem | None:
    (first, *_) = error.errors(include_url=False, include_input=False)
    if first["type"] != "json_invalid":
        return None
    reason = first["ctx"]["error"].replace("recursion limit exceeded", "it is nested too deeply")
    return HttpProblem(400, "Not JSON", f"the body is not JSON: {reason}")


class _Closed(GenerateJsonSchema):
    """JSON Schemas that allow no other fields."""

    def model_schema(self, schema: Any) -> dict[str, Any]:
        return {"additionalProperties": False, **super().model_schema(schema)}


def body_schema(contract: type[Contract]) -> dict[str, Any]:
    """Return the JSON Schema of the bodies that `read_body` takes as `contract`."""
    return contract.model_json_schema(schema_generator=_Closed)


def wait_seconds(request: func.HttpRequest) -> int | None:
    """Read `?wait=`: whole seconds, 0 to `MAX_WAIT_SECONDS`; None when the query doesn't have it."""
    text = request.params.get("wait")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 3 and int(text) <= MAX_WAIT_SECONDS):
        raise invalid_field("wait", f"whole seconds from 0 to {MAX_WAIT_SECONDS}", text)
    return int(text)


def read_query(request: func.HttpRequest, field: str, max_characters: int = MAX_QUERY_CHARACTERS) -> str:
    """Read a parameter of the query, without the space around it; empty when the query doesn't have it."""
    text: str = request.params.get(field, "").strip()
    if len(text) > max_characters:
        raise invalid_field(field, f"at most {max_characters} characters", text)
    return text


def parse_timestamp(request: func.HttpRequest, field: str) -> datetime | None:
    """Read a parameter that is a time with its offset; None when the query doesn't have it."""
    text = read_query(request, field, MAX_NAME_CHARACTERS)
    if not text:
        return None
    try:
        return _TIMESTAMP.validate_python(text)
    except ValidationError:
        raise invalid_field(field, "a time with its offset, such as 2026-11-21T10:00:00Z", text) from None


def idempotency_key(request: func.HttpRequest) -> str | None:
    """Read the header `Idempotency-Key`: two requests with one key start one run."""
    key: str | None = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not (1 <= len(key) <= MAX_KEY_CHARACTERS and key.isascii() and key.isprintable()):
        raise invalid_field("Idempotency-Key", f"1 to {MAX_KEY_CHARACTERS} printable ASCII characters", key)
    return key


def invalid_field(field: str, message: str, value: object) -> HttpProblem:
    """Make a 400 that names the field and quotes the value."""
    row = {"field": field, "message": message, "value": quote(value)}
    return HttpProblem(400, "Invalid request", f"{field}: {message} (got {quote(value)})", (row,))
