"""Reads an approver's answer from a request: JSON from programs, a form from browsers."""

from urllib.parse import parse_qsl

import azure.functions as func
from pydantic import ValidationError

from murmuration.contracts.approvals import VoteRequest
from murmuration.http.body import read_body
from murmuration.http.problems import HttpProblem, invalid, quote

MAX_BODY_BYTES = 32 * 1024
MAX_FORM_FIELDS = 10


def read_vote_request(request: func.HttpRequest) -> VoteRequest:
    """Read the body; raises `HttpProblem` 400, 413 or 415."""
    if request.headers.get("Content-Type", "").lower().startswith("application/x-www-form-urlencoded"):
        return _read_form(request.get_body())
    return read_body(request, VoteRequest, MAX_BODY_BYTES)


def _read_form(body: bytes) -> VoteRequest:
    if len(body) > MAX_BODY_BYTES:
        raise HttpProblem(413, "Body too large", f"the body has {len(body)} bytes, at most {MAX_BODY_BYTES} are taken")
    try:
        text = body.decode("utf-8")
        fields = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MAX_FORM_FIELDS)
    except ValueError as error:
        detail = f"the body is not a form of at most {MAX_FORM_FIELDS} fields in UTF-8"
        raise HttpProblem(400, "Not a form", detail) from error
    names = [name for name, _ in fields]
    if repeated := next((name for name in names if names.count(name) > 1), None):
        raise HttpProblem(400, "Invalid request", f"{quote(repeated)}: the form has it twice")
    values = {name: value.replace("\r\n", "\n") for name, value in fields}
    try:
        return VoteRequest.model_validate(values, strict=True, extra="forbid")
    except ValidationError as error:
        raise invalid(error) from error
