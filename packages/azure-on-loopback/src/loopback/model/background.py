"""Responses in the background: started, asked for by their id, cancelled. They are kept as long as the server runs."""

from dataclasses import dataclass
from typing import Any

from aiohttp import web

from loopback.model.script import Script

FINAL = ("completed", "failed", "cancelled", "incomplete")


@dataclass
class _Kept:
    shown: dict[str, Any]
    """As it is now."""
    result: dict[str, Any] | None
    """As it will be; None: it will be gone."""
    polls: int
    """How often it is still in progress when asked for."""


class Background:
    def __init__(self, script: Script) -> None:
        self._script = script
        self._kept: dict[str, _Kept] = {}

    def routes(self, base: str) -> list[web.RouteDef]:
        return [
            web.get(base + "/responses/{id}", self._retrieve),
            web.post(base + "/responses/{id}/cancel", self._cancel),
        ]

    async def _retrieve(self, request: web.Request) -> web.Response:
        return self._answer(request.match_info["id"], self._polled(request.match_info["id"]))

    async def _cancel(self, request: web.Request) -> web.Response:
        return self._answer(request.match_info["id"], self._cancelled(request.match_info["id"]))

    def _answer(self, name: str, shown: dict[str, Any] | None) -> web.Response:
        self._script.saw("background", name, status=shown["status"] if shown else 404)
        if shown is None:
            error = {"message": f"no response has the id {name!r}", "type": "invalid_request_error"}
            return web.json_response({"error": {**error, "param": None, "code": None}}, status=404)
        return web.json_response(shown)

    def begin(self, answer: dict[str, Any], call: dict[str, Any]) -> dict[str, Any]:
        """Keep `answer`, a whole response, for later, as the scripted call says; what is answered now."""
        shown = _without_result(answer, "queued")
        self._kept[answer["id"]] = _Kept(shown, _ended(answer, call.get("ends")), int(call.get("polls", 0)))
        return shown

    def _polled(self, name: str) -> dict[str, Any] | None:
        """The response as it is now; None when there is none of that id."""
        kept = self._kept.get(name)
        if kept is None:
            return None
        if kept.shown["status"] not in FINAL:
            kept.polls -= 1
            if kept.polls < 0 and kept.result is None:
                del self._kept[name]
                return None
            kept.shown = kept.result if kept.polls < 0 and kept.result else _without_result(kept.shown, "in_progress")
        return kept.shown

    def _cancelled(self, name: str) -> dict[str, Any] | None:
        """The response, cancelled unless it has ended."""
        kept = self._kept.get(name)
        if kept is None:
            return None
        if kept.shown["status"] not in FINAL:
            kept.shown = _without_result(kept.shown, "cancelled")
        return kept.shown


def _ended(answer: dict[str, Any], ends: str | None) -> dict[str, Any] | None:
    if ends == "expired":
        return None
    if ends == "failed":
        error = {"code": "server_error", "message": "as the script says"}
        return {**_without_result(answer, "failed"), "error": error}
    if ends == "cancelled":
        return _without_result(answer, "cancelled")
    if ends == "incomplete":
        return {**answer, "status": "incomplete", "incomplete_details": {"reason": "content_filter"}}
    return answer


def _without_result(answer: dict[str, Any], status: str) -> dict[str, Any]:
    return {**answer, "status": status, "incomplete_details": None, "output": [], "usage": None}
