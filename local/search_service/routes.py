"""The REST routes, with the key check, Azure-like errors, and faults on order."""

import asyncio
import hashlib
import hmac
import json
import re
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote

from aiohttp import web

from local.faults import Faults
from local.search_service.definitions import index_from
from local.search_service.problems import ServiceProblem, bad
from local.search_service.search import search
from local.search_service.store import Document, Store, Table
from local.serving import writable_folder

MAX_BATCH = 1_000
MAX_BODY_BYTES = 16 * 1024 * 1024
ACTIONS = ("upload", "merge", "mergeOrUpload", "delete")
_PATH = re.compile(r"/indexes(?:\('(?P<quoted>[^']*)'\)|/(?P<plain>[^/(]+))?(?P<rest>/.*)?")
_DOCUMENT = re.compile(r"/docs(?:\('(?P<quoted>[^']*)'\)|/(?P<plain>[^/$]+))")
T = TypeVar("T")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class SearchService:
    """All work on the store is done by one thread, in the order it came."""

    def __init__(self, data: Path, key: str) -> None:
        self._store = Store(writable_folder(data))
        self._key = key
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="search")

    async def close(self, _: web.Application) -> None:
        self._thread.shutdown()
        self._store.close()

    async def _do(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def check_key(self, request: web.Request) -> None:
        """api-key or bearer: whichever it is, it must be the key."""
        given = request.headers.get("api-key") or request.headers.get("Authorization", "").removeprefix("Bearer ")
        if not given:
            raise ServiceProblem(401, "No api-key or bearer token was given.", "Unauthorized")
        if not hmac.compare_digest(given.encode(), self._key.encode()):
            raise ServiceProblem(403, "The api-key or bearer token is wrong.", "Forbidden")

    async def serve(self, request: web.Request) -> web.StreamResponse:
        self.check_key(request)
        if request.path == "/servicestats":
            return web.json_response({"counters": {"indexesCount": {"usage": len(self._store.tables)}}, "limits": {}})
        found = _PATH.fullmatch(request.path)
        if found is None:
            raise ServiceProblem(404, f"There is nothing at {request.path!r}.", "ResourceNotFound")
        name = found["quoted"] or found["plain"]
        rest = found["rest"] or ""
        if name is None:
            return await self._indexes(request)
        if not rest:
            return await self._index(request, unquote(name))
        return await self._documents(request, unquote(name), rest)

    async def _indexes(self, request: web.Request) -> web.Response:
        if request.method == "POST":
            return await self._define(request, None)
        return web.json_response({"value": [_definition(table) for table in self._store.tables.values()]})

    async def _index(self, request: web.Request, name: str) -> web.Response:
        match request.method:
            case "PUT":
                return await self._define(request, name)
            case "DELETE":
                self._check_etag(request, self._store.table(name))
                await self._do(lambda: self._store.drop(name))
                return web.Response(status=204)
            case _:
                return web.json_response(_definition(self._store.table(name)))

    async def _define(self, request: web.Request, name: str | None) -> web.Response:
        index = index_from(await _json(request))
        if name is not None and index.name != name:
            raise bad(f"The index is named {index.name!r} in the body and {name!r} in the URL.")
        present = self._store.tables.get(index.name)
        if present is not None and (name is None or request.headers.get("If-None-Match") == "*"):
            raise ServiceProblem(409 if name is None else 412, f"The index '{index.name}' exists already.")
        if present is not None:
            self._check_etag(request, present)
        new = await self._do(lambda: self._store.define(index))
        return web.json_response(_definition(self._store.table(index.name)), status=201 if new else 200)

    def _check_etag(self, request: web.Request, table: Table) -> None:
        wanted = request.headers.get("If-Match")
        if wanted not in (None, "*", _etag(table)):
            raise ServiceProblem(412, "The precondition given in the request was not met.")

    async def _documents(self, request: web.Request, name: str, rest: str) -> web.StreamResponse:
        table = self._store.table(name)
        match rest:
            case "/docs/$count":
                return web.Response(text=str(await self._do(table.count)))
            case "/search.stats" | "/stats":
                count = await self._do(table.count)
                return web.json_response({"documentCount": count, "storageSize": 0, "vectorIndexSize": 0})
            case "/docs/search.index" | "/docs/index":
                return await self._write(request, name)
            case "/docs/search.post.search" | "/docs/search":
                body = await _json(request)
                return web.json_response(await self._do(lambda: search(table, body)))
        found = _DOCUMENT.fullmatch(rest)
        if found is None:
            raise ServiceProblem(404, f"There is nothing at {request.path!r}.", "ResourceNotFound")
        key = unquote(found["quoted"] or found["plain"])
        document = await self._do(lambda: table.get(key))
        if document is None:
            raise ServiceProblem(404, f"Document '{key}' not found.", "ResourceNotFound")
        wanted = request.query.get("$select")
        names = wanted.split(",") if wanted else [f.name for f in table.index.fields.values() if f.retrievable]
        return web.json_response({name: document.get(name) for name in names if name in document})

    async def _write(self, request: web.Request, name: str) -> web.Response:
        body = await _json(request)
        rows = body.get("value") if isinstance(body, dict) else None
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise bad('The body must be {"value": [documents]}.')
        if len(rows) > MAX_BATCH:
            raise ServiceProblem(413, f"A batch has at most {MAX_BATCH} documents, this one has {len(rows)}.")
        actions = [_action(row) for row in rows]
        results = await self._do(lambda: self._store.write(name, actions))
        failed = any(not result["status"] for result in results)
        return web.json_response({"value": results}, status=207 if failed else 200)


def _action(row: Document) -> tuple[str, Document]:
    action = row.pop("@search.action", "upload")
    if action not in ACTIONS:
        raise bad(f"The action {action!r} is not one of {', '.join(ACTIONS)}. Parameter name: @search.action")
    return action, row


def _etag(table: Table) -> str:
    digest = hashlib.sha256(json.dumps(table.index.body, sort_keys=True).encode()).hexdigest()
    return f'"{digest[:16]}"'


def _definition(table: Table) -> dict[str, Any]:
    return {**table.index.body, "@odata.etag": _etag(table)}


async def _json(request: web.Request) -> Any:
    try:
        return json.loads(await request.read())
    except ValueError as error:
        raise bad(f"The request body is not JSON: {error}") from error


@web.middleware
async def _answered(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except ServiceProblem as problem:
        body = {"error": {"code": problem.code, "message": str(problem)}}
        return web.json_response(body, status=problem.status)
    except web.HTTPRequestEntityTooLarge:
        message = f"A request has at most {MAX_BODY_BYTES} bytes."
        return web.json_response({"error": {"code": "", "message": message}}, status=413)


async def make_app(data: Path, key: str) -> web.Application:
    """The service with its indexes in `data`; every request but /healthz must carry `key`."""
    service = SearchService(data, key)
    faults = Faults()
    app = web.Application(client_max_size=MAX_BODY_BYTES, middlewares=[faults.middleware, _answered])
    app.router.add_get("/healthz", _healthy)
    app.add_routes(faults.routes())
    app.router.add_route("*", "/{path:.*}", service.serve)
    app.on_cleanup.append(service.close)
    return app


async def _healthy(_: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})
