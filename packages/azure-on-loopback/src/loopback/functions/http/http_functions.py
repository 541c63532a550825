"""Serves the app's HTTP functions at their routes."""

import asyncio
import traceback
from typing import Any

import azure.functions as func
from aiohttp import web
from multidict import CIMultiDict, MultiMapping

from loopback.functions.apps.loading import HttpFunction
from loopback.functions.http.keys import Keys
from loopback.functions.http.routes import Route
from loopback.functions.report import report
from loopback.serving import CannotStart

MAX_BODY_BYTES = 100 * 1024 * 1024


class HttpFunctions:
    """The HTTP functions by their routes; a request goes to the most exact route that matches it."""

    def __init__(self, functions: list[HttpFunction], prefix: str, keys: Keys) -> None:
        """Read the routes, below `prefix`; raises `CannotStart` that quotes the first that can't be used."""
        routes = [(_route(function, prefix), function) for function in functions]
        self._routes = sorted(routes, key=lambda pair: pair[0].rank)
        self._keys = keys
        self._running: set[asyncio.Task[web.Response]] = set()

    async def serve(self, request: web.Request) -> web.StreamResponse:
        for route, function in self._routes:
            parameters = route.match(request.rel_url.path_safe)
            if parameters is not None and request.method in function.methods:
                self._keys.check_function(request, function.name, function.level)
                return await self._run(function, request, parameters)
        raise web.HTTPNotFound  # Azure answers so for a method that no function takes, too

    async def _run(self, function: HttpFunction, request: web.Request, parameters: dict[str, str]) -> web.Response:
        """Run a function to its end even when its caller has disconnected, as Azure does."""
        headers = _join_values(request.headers)
        http_request = func.HttpRequest(
            method=request.method,
            url=str(request.url),
            headers=headers,
            params={name: value for name, value in _join_values(request.query).items() if value},
            route_params=parameters,
            body=await request.read(),
        )
        task = asyncio.create_task(_call(function, http_request, headers))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)


def _route(function: HttpFunction, prefix: str) -> Route:
    try:
        return Route(prefix, function.route)
    except ValueError as error:
        raise CannotStart(f"function {function.name!r}: {error}") from error


async def _call(function: HttpFunction, request: func.HttpRequest, headers: dict[str, str]) -> web.Response:
    try:
        return _response(await function.call({function.parameter: request, "_headers": headers}))
    except Exception:  # noqa: BLE001 - a failure of the app must not end the host, and its text is not for callers
        report(f"{function.name} failed: {traceback.format_exc()}")
        return web.Response(status=500)


def _join_values(values: MultiMapping[str]) -> dict[str, str]:
    """Join the values of each name with commas."""
    return {name: ",".join(values.getall(name)) for name in dict.fromkeys(values)}


def _response(result: Any) -> web.Response:
    if result is None:
        return web.Response(status=204)
    if isinstance(result, str):
        return web.Response(text=result)
    if not isinstance(result, func.HttpResponse):
        raise TypeError(f"a function must return an HttpResponse, a string or None, not {type(result).__name__}")
    own = ("content-type", "content-length", "transfer-encoding")
    headers = CIMultiDict((name, value) for name, value in result.headers.items() if name.lower() not in own)
    headers["Content-Type"] = result.headers.get("Content-Type") or _content_type(result.mimetype, result.charset)
    return web.Response(status=result.status_code, headers=headers, body=result.get_body())


def _content_type(mimetype: str, charset: str) -> str:
    return f"{mimetype}; charset={charset}" if mimetype.startswith("text/") else mimetype
