"""Injected faults: the next requests of a kind fail as they do in the real world.

POST /control/faults {"path": "docs/search", "times": 2, "status": 503, "retry_after": 1}
POST /control/faults {"delay": 3}      POST /control/faults {"cut": true}      DELETE /control/faults
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
FIELDS = {"path", "times", "status", "retry_after", "delay", "cut"}


@dataclass
class Fault:
    """A failure of the next `times` requests."""

    path: str
    """Part of the path of the requests that it hits; empty hits all."""
    times: int
    status: int | None
    """The status of the answer; None answers as usual, after the delay."""
    retry_after: float | None
    """Seconds, for the header Retry-After."""
    delay: float
    """Seconds before the answer."""
    cut: bool
    """Whether the connection is closed before the answer."""


class Faults:
    """The faults that are still to come, in the order they were injected."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def routes(self) -> list[web.RouteDef]:
        return [web.post("/control/faults", self._add), web.delete("/control/faults", self._clear)]

    async def _add(self, request: web.Request) -> web.Response:
        body: dict[str, Any] = await request.json()
        if unknown := body.keys() - FIELDS:
            raise web.HTTPBadRequest(text=f"unknown field {min(unknown)!r}: use {', '.join(sorted(FIELDS))}")
        fault = Fault(
            path=str(body.get("path", "")),
            times=int(body.get("times", 1)),
            status=body.get("status"),
            retry_after=body.get("retry_after"),
            delay=float(body.get("delay", 0)),
            cut=bool(body.get("cut", False)),
        )
        self._faults.append(fault)
        return web.json_response({"faults": len(self._faults)})

    async def _clear(self, _: web.Request) -> web.Response:
        self._faults.clear()
        return web.Response(status=204)

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let a request meet the first fault that fits it."""
        fault = None if request.path.startswith("/control/") else self._take(request.path)
        if fault is None:
            return await handler(request)
        await asyncio.sleep(fault.delay)
        if fault.cut and request.transport is not None:
            request.transport.close()
        if fault.status is None:
            return await handler(request)
        headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
        body = {"error": {"code": "fault", "message": "an injected fault"}}
        return web.json_response(body, status=fault.status, headers=headers)

    def _take(self, path: str) -> Fault | None:
        for fault in self._faults:
            if fault.path in path:
                fault.times -= 1
                if fault.times <= 0:
                    self._faults.remove(fault)
                return fault
        return None
