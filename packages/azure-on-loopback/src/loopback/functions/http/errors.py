"""The errors of the host's own endpoints, in the form of the Durable extension."""

import json

from aiohttp import web


def error(status: int, message: str, problem: BaseException | None = None) -> web.Response:
    """Answer with an error."""
    kind = type(problem).__name__ if problem else ""
    body = {"Message": message, "ExceptionMessage": str(problem or message), "ExceptionType": kind, "StackTrace": ""}
    return web.json_response(body, status=status)


def bad_request(message: str) -> web.HTTPBadRequest:
    """Make the exception that answers with a 400."""
    body = {"Message": message, "ExceptionMessage": message, "ExceptionType": "ArgumentException", "StackTrace": ""}
    return web.HTTPBadRequest(text=json.dumps(body), content_type="application/json")
