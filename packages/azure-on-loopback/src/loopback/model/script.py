"""A script for the next calls of an agent, and the record of the calls so far.

    POST /control/script {"agent": "executor", "calls": [{"status": 429, "retry_after": 2}, {"reply": {…}}]}

An agent is the name of a structured output; "*" means any, "embeddings" means requests for embeddings. A call is one of
{"reply": object or text} | {"status": n, "retry_after": s, "error": code} | {"delay": s} | {"cut": true}
| {"malformed": true} | {"truncated": true} | {"refusal": text}. "repeat": true keeps it for all later calls, and
"match": text limits it to messages that contain the text. {"delay": s, "at_once": n} answers 429 while n calls with
that delay are in progress. A background response is in progress for {"polls": n} polls, then ends as
{"ends": "failed" | "incomplete" | "cancelled" | "expired"}, or completed. docs/model-service.md explains each.
"""

from collections import defaultdict
from typing import Any

from aiohttp import web

FIELDS = {
    "reply", "status", "retry_after", "error", "param", "delay", "cut", "malformed", "truncated", "refusal",
    "repeat", "match", "at_once", "polls", "ends",
}  # fmt: skip


class Script:
    """The scripted calls that are still to come, and every call that came."""

    def __init__(self) -> None:
        self._calls: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self._recorded: list[dict[str, Any]] = []

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/control/script", self._add),
            web.delete("/control/script", self._clear),
            web.get("/control/calls", self._list),
            web.delete("/control/calls", self._forget),
        ]

    def next_call(self, agent: str, message: str) -> dict[str, Any]:
        """Take the scripted call that fits; {} when the request is to be answered as usual."""
        for name in (agent, "*"):
            for call in self._calls[name]:
                if str(call.get("match", "")) in message:
                    if not call.get("repeat"):
                        self._calls[name].remove(call)
                    return call
        return {}

    def record(self, agent: str, message: str, **facts: Any) -> None:
        """Add a call to the record that GET /control/calls shows."""
        self._recorded.append({"number": len(self._recorded) + 1, "agent": agent, "content": message, **facts})

    async def _add(self, request: web.Request) -> web.Response:
        body = await request.json()
        agent, calls = body.get("agent"), body.get("calls")
        if not isinstance(agent, str) or not agent:
            raise web.HTTPBadRequest(text=f"agent is {agent!r}: name an agent, or *")
        if not isinstance(calls, list) or not all(isinstance(call, dict) for call in calls):
            raise web.HTTPBadRequest(text="calls must be a list of objects")
        for call in calls:
            if unknown := call.keys() - FIELDS:
                raise web.HTTPBadRequest(text=f"a call has the unknown field {min(unknown)!r}: use {_listed()}")
        self._calls[agent].extend(calls)
        return web.json_response({"scripted": len(self._calls[agent])})

    async def _clear(self, _: web.Request) -> web.Response:
        self._calls.clear()
        return web.Response(status=204)

    async def _list(self, request: web.Request) -> web.Response:
        with_content = request.query.get("content") == "1"
        hidden = set() if with_content else {"content"}
        rows = [{name: value for name, value in row.items() if name not in hidden} for row in self._recorded]
        return web.json_response({"calls": rows})

    async def _forget(self, _: web.Request) -> web.Response:
        self._recorded.clear()
        return web.Response(status=204)


def _listed() -> str:
    return ", ".join(sorted(FIELDS))
