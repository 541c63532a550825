"""Serves the app's HTTP functions at their routes."""

import re
import sys
import traceback
from typing import Any

import azure.functions as func
from aiohttp import web

from local.functions_host.app import HttpFunction, LoadedApp

MAX_BODY_BYTES = 100 * 1024 * 1024
_PARAMETER = re.compile(r"\{(\*?)(\w+)(?::(\w+)(?:\([^)]*\))?)?(\??)\}")
_CONSTRAINTS = {
    "int": r"-?\d+",
    "long": r"-?\d+",
    "guid": r"[0-9a-fA-F-]{36}",
    "alpha": r"[A-Za-z]+",
    "bool": "(?i:true|false)",
}


def pattern(template: str) -> re.Pattern[str]:
    """A route template as an expression: `a/{b}`, `{b?}`, `{b:int}`, `{*rest}`; matches without regard to case."""
    expression = ""
    for segment in template.split("/"):
        found = _PARAMETER.fullmatch(segment)
        if found is None:
            expression += "/" + _literal(segment)
            continue
        rest, name, constraint, optional = found.groups()
        value = ".*" if rest else _CONSTRAINTS.get(constraint or "", "[^/]+")
        piece = f"/(?P<{name}>{value})"
        expression += f"(?:{piece})?" if optional or rest else piece
    return re.compile(expression, re.IGNORECASE)


def _literal(segment: str) -> str:
    """A segment with literal text around its parameters."""
    pieces, end = [], 0
    for found in _PARAMETER.finditer(segment):
        pieces.append(re.escape(segment[end : found.start()]) + f"(?P<{found[2]}>[^/]+?)")
        end = found.end()
    return "".join(pieces) + re.escape(segment[end:])


class HttpFunctions:
    """Finds the function of a request; routes with more literal text are preferred."""

    def __init__(self, app: LoadedApp) -> None:
        prefix = f"{app.route_prefix}/" if app.route_prefix else ""
        routes = [(pattern(prefix + each.route), each) for each in app.http]
        self._routes = sorted(routes, key=lambda route: (route[1].route.count("{"), -len(route[1].route)))

    async def serve(self, request: web.Request) -> web.StreamResponse:
        allowed: set[str] = set()
        for expression, function in self._routes:
            found = expression.fullmatch(request.path.rstrip("/") or "/")
            if found is None:
                continue
            if request.method in function.methods:
                return await _answer(function, request, found.groupdict())
            allowed.update(function.methods)
        if allowed:
            raise web.HTTPMethodNotAllowed(request.method, sorted(allowed))
        raise web.HTTPNotFound


async def _answer(function: HttpFunction, request: web.Request, parameters: dict[str, Any]) -> web.StreamResponse:
    given = func.HttpRequest(
        method=request.method,
        url=str(request.url),
        headers=dict(request.headers),
        params=dict(request.query),
        route_params={name: value for name, value in parameters.items() if value is not None},
        body=await request.read(),
    )
    try:
        return _response(await function.invoke(given))
    except Exception:  # noqa: BLE001 - whatever the app raises is its failure, and its text is not the caller's
        trace = traceback.format_exc()
        print(f"{function.name} failed: {trace}", file=sys.stderr, flush=True)  # noqa: T201
        return web.Response(status=500)


def _response(result: Any) -> web.StreamResponse:
    if result is None:
        return web.Response(status=204)
    if isinstance(result, str):
        return web.Response(text=result)
    headers = {name: value for name, value in result.headers.items() if name.lower() != "content-type"}
    kind = result.headers.get("Content-Type") or f"{result.mimetype}; charset={result.charset}"
    headers["Content-Type"] = kind
    return web.Response(status=result.status_code, headers=headers, body=result.get_body())
