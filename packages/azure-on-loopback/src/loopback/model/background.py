"""Responses in the background: started, polled by id, cancelled. They live as long as the server runs."""

from dataclasses import dataclass
from typing import Any

from aiohttp import web

from loopback.model.errors import ApiError
from loopback.model.script import Script

FINAL = ("completed", "failed", "cancelled", "incomplete")
Response = dict[str, Any]
"""The JSON object of a response."""


@dataclass
class _Stored:
    current: Response
    final: Response | None
    """The response once it has ended; None: it expires instead."""
    polls: int
    """How many more polls find it in progress."""


class BackgroundResponses:
    """The responses that were started with `background: true`."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._stored: dict[str, _Stored] = {}

    def routes(self, base: str) -> list[web.RouteDef]:
        return [
            web.get(base + "/responses/{id}", self._retrieve),
            web.post(base + "/responses/{id}/cancel", self._cancel),
        ]

    def start(self, response: Response, call: dict[str, Any]) -> Response:
        """Store a whole response, to end as the scripted call says; returns what the request gets now."""
        current = _without_result(response, "queued")
        self._stored[response["id"]] = _Stored(current, _final(response, call.get("ends")), int(call.get("polls", 0)))
        return current

    async def _retrieve(self, request: web.Request) -> web.Response:
        return self._answer(request.match_info["id"], self._poll(request.match_info["id"]))

    async def _cancel(self, request: web.Request) -> web.Response:
        stored = self._stored.get(request.match_info["id"])
        if stored is not None and stored.current["status"] not in FINAL:
            stored.current = _without_result(stored.current, "cancelled")
        return self._answer(request.match_info["id"], stored.current if stored else None)

    def _poll(self, response_id: str) -> Response | None:
        """Return the response as it is at this poll; None when there is none of this id."""
        stored = self._stored.get(response_id)
        if stored is None:
            return None
        if stored.current["status"] not in FINAL:
            stored.polls -= 1
            if stored.polls >= 0:
                stored.current = _without_result(stored.current, "in_progress")
            elif stored.final is None:
                del self._stored[response_id]
                return None
            else:
                stored.current = stored.final
        return stored.current

    def _answer(self, response_id: str, response: Response | None) -> web.Response:
        self._script.record("background", response_id, status=response["status"] if response else 404)
        if response is None:
            raise ApiError(404, f"no response has the id {response_id!r}")
        return web.json_response(response)


def _final(response: Response, ends: str | None) -> Response | None:
    if ends == "expired":
        return None
    if ends == "failed":
        error = {"code": "server_error", "message": "the script lets this response fail"}
        return {**_without_result(response, "failed"), "error": error}
    if ends == "cancelled":
        return _without_result(response, "cancelled")
    if ends == "incomplete":
        return {**response, "status": "incomplete", "incomplete_details": {"reason": "content_filter"}}
    return response


def _without_result(response: Response, status: str) -> Response:
    return {**response, "status": status, "incomplete_details": None, "output": [], "usage": None}
