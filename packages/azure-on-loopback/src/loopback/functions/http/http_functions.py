"""Serves the app's HTTP functions at their routes."""

import asyncio
import traceback
from typing import Any

import azure.functions as func
from aiohttp import web
from multidict import CIMultiDict, MultiMapping

from loopback.functions.apps.loading import HttpFunction
from loopback.functions.engine.engine import say
from loopback.functions.http.keys import Keys

MAX_BODY_BYTES = 100 * 1024 * 1024


class HttpFunctions:
    """Finds the function of a request; more exact routes are preferred."""

    def __init__(self, functions: list[HttpFunction], keys: Keys) -> None:
        self._functions = sorted(functions, key=lambda each: each.route.rank)
        self._keys = keys
        self._running: set[asyncio.Task[web.Response]] = set()

    async def serve(self, request: web.Request) -> web.StreamResponse:
        for function in self._functions:
            parameters = function.route.match(request.rel_url.path_safe)
            if parameters is not None and request.method in function.methods:
                self._keys.check_function(request, function.name, function.level)
                return await self._run(function, request, parameters)
        raise web.HTTPNotFound  # for a method that no function takes, too: as Azure answers

    async def _run(self, function: HttpFunction, request: web.Request, parameters: dict[str, str]) -> web.Response:
        """A function runs to its end even when its caller has gone, as on Azure."""
        headers = _joined(request.headers)
        given = func.HttpRequest(
            method=request.method,
            url=str(request.url),
            headers=headers,
            params={name: value for name, value in _joined(request.query).items() if value},
            route_params=parameters,
            body=await request.read(),
        )
        task = asyncio.create_task(_answer(function, given, headers))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)


async def _answer(function: HttpFunction, given: func.HttpRequest, headers: dict[str, str]) -> web.Response:
    try:
        return _response(await function.call({function.parameter: given, "_headers": headers}))
    except Exception:  # noqa: BLE001 - whatever the app raises is its failure, and its text is not the caller's
        say(f"{function.name} failed: {traceback.format_exc()}")
        return web.Response(status=500)


def _joined(values: MultiMapping[str]) -> dict[str, str]:
    """Values of one name are one text, with commas."""
    return {name: ",".join(values.getall(name)) for name in dict.fromkeys(values)}


def _response(result: Any) -> web.Response:
    if result is None:
        return web.Response(status=204)
    if isinstance(result, str):
        return web.Response(text=result)
    if not isinstance(result, func.HttpResponse):
        raise TypeError(f"a function returns an HttpResponse, a text or None, not {type(result).__name__}")
    own = ("content-type", "content-length", "transfer-encoding")
    headers = CIMultiDict((name, value) for name, value in result.headers.items() if name.lower() not in own)
    headers["Content-Type"] = result.headers.get("Content-Type") or _with_charset(result.mimetype, result.charset)
    return web.Response(status=result.status_code, headers=headers, body=result.get_body())


def _with_charset(kind: str, charset: str) -> str:
    return f"{kind}; charset={charset}" if kind.startswith("text/") else kind
