"""What the service was told to do with the next calls of an agent, and which calls it has seen.

    POST /control/script {"agent": "executor", "calls": [{"status": 429, "retry_after": 2}, {"reply": {…}}]}

A call is {"reply": object or text} | {"status": n, "retry_after": s, "error": code} | {"delay": s} | {"cut": true}
| {"malformed": true} | {"truncated": true} | {"refusal": text}; with "repeat": true it holds for all later calls, with
"match": text only for messages that contain the text. The agent "*" is any, "embeddings" are embeddings.
{"delay": s, "at_once": n} answers 429 while n calls with that delay are under way. A background response is in progress
for {"polls": n} requests, and then ends as {"ends": "failed" | "incomplete" | "cancelled" | "expired"}, or completed.
"""

from collections import defaultdict
from typing import Any

from aiohttp import web

KNOWN = {
    "reply", "status", "retry_after", "error", "param", "delay", "cut", "malformed", "truncated", "refusal",
    "repeat", "match", "at_once", "polls", "ends",
}  # fmt: skip


class Script:
    def __init__(self) -> None:
        self._calls: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self._seen: list[dict[str, Any]] = []

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/control/script", self._add),
            web.delete("/control/script", self._clear),
            web.get("/control/calls", self._list),
            web.delete("/control/calls", self._forget),
        ]

    def take(self, agent: str, message: str) -> dict[str, Any]:
        """What to do with this call; {} is: answer it."""
        for name in (agent, "*"):
            for call in self._calls[name]:
                if str(call.get("match", "")) in message:
                    if not call.get("repeat"):
                        self._calls[name].remove(call)
                    return call
        return {}

    def saw(self, agent: str, message: str, **facts: Any) -> None:
        self._seen.append({"number": len(self._seen) + 1, "agent": agent, "content": message, **facts})

    async def _add(self, request: web.Request) -> web.Response:
        body = await request.json()
        agent, calls = body.get("agent"), body.get("calls")
        if not isinstance(agent, str) or not agent:
            raise web.HTTPBadRequest(text=f"agent is {agent!r}: name an agent, or *")
        if not isinstance(calls, list) or not all(isinstance(call, dict) for call in calls):
            raise web.HTTPBadRequest(text="calls must be a list of objects")
        for call in calls:
            if unknown := call.keys() - KNOWN:
                raise web.HTTPBadRequest(text=f"unknown field {sorted(unknown)[0]!r} in a call")
        self._calls[agent].extend(calls)
        return web.json_response({"scripted": len(self._calls[agent])})

    async def _clear(self, _: web.Request) -> web.Response:
        self._calls.clear()
        return web.Response(status=204)

    async def _list(self, request: web.Request) -> web.Response:
        content = request.query.get("content") == "1"
        rows = [row if content else {k: v for k, v in row.items() if k != "content"} for row in self._seen]
        return web.json_response({"calls": rows})

    async def _forget(self, _: web.Request) -> web.Response:
        self._seen.clear()
        return web.Response(status=204)
