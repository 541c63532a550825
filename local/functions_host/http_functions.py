"""Serves the app's HTTP functions at their routes."""

import asyncio
import traceback
from typing import Any

import azure.functions as func
from aiohttp import web

from local.functions_host.app import HttpFunction
from local.functions_host.engine import say
from local.functions_host.keys import Keys

MAX_BODY_BYTES = 100 * 1024 * 1024


class HttpFunctions:
    """Finds the function of a request; more exact routes are preferred."""

    def __init__(self, functions: list[HttpFunction], keys: Keys) -> None:
        self._functions = sorted(functions, key=lambda each: each.route.rank)
        self._keys = keys
        self._running: set[asyncio.Task[web.Response]] = set()

    async def serve(self, request: web.Request) -> web.StreamResponse:
        allowed: set[str] = set()
        for function in self._functions:
            parameters = function.route.match(request.path)
            if parameters is None:
                continue
            if request.method in function.methods:
                self._keys.check_function(request, function.name, function.level)
                return await self._run(function, request, parameters)
            allowed.update(function.methods)
        if allowed:
            raise web.HTTPMethodNotAllowed(request.method, sorted(allowed))
        raise web.HTTPNotFound

    async def _run(self, function: HttpFunction, request: web.Request, parameters: dict[str, str]) -> web.Response:
        """A function runs to its end even when its caller has gone, as on Azure."""
        given = func.HttpRequest(
            method=request.method,
            url=str(request.url),
            headers=dict(request.headers),
            params=dict(request.query),
            route_params=parameters,
            body=await request.read(),
        )
        task = asyncio.create_task(_answer(function, given, dict(request.headers)))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)


async def _answer(function: HttpFunction, given: func.HttpRequest, headers: dict[str, str]) -> web.Response:
    try:
        return _response(await function.call({function.parameter: given, "_headers": headers}))
    except Exception:  # noqa: BLE001 - whatever the app raises is its failure, and its text is not the caller's
        say(f"{function.name} failed: {traceback.format_exc()}")
        return web.Response(status=500)


def _response(result: Any) -> web.Response:
    if result is None:
        return web.Response(status=204)
    if not isinstance(result, func.HttpResponse):
        return web.Response(text=str(result))
    own = ("content-type", "content-length", "transfer-encoding")
    headers = {name: value for name, value in result.headers.items() if name.lower() not in own}
    kind = result.headers.get("Content-Type") or f"{result.mimetype}; charset={result.charset}"
    return web.Response(status=result.status_code, headers={**headers, "Content-Type": kind}, body=result.get_body())
