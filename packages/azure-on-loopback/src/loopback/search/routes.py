"""The REST routes: `/indexes('NAME')/…` as the SDK calls them, `/indexes/NAME/…` as the REST documentation has them."""

import asyncio
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote

from aiohttp import web

from loopback.search.checks import check_name, index_from
from loopback.search.documents import Document
from loopback.search.faults import Faults
from loopback.search.parameters import refused
from loopback.search.problems import ServiceProblem, bad
from loopback.search.requests import MAX_BODY_BYTES, answered, check_api_key, check_conditions, etag, json_of
from loopback.search.search import projected, retrievable, search
from loopback.search.store import Action, Store
from loopback.search.table import Table
from loopback.serving import writable_folder

MAX_BATCH = 1_000
ACTIONS = ("upload", "merge", "mergeOrUpload", "delete")
_PATH = re.compile(r"/(?P<kind>indexes|aliases)(?:\('(?P<quoted>[^']*)'\)|/(?P<plain>[^/(]+))?(?P<rest>/.*)?")
_DOCUMENT = re.compile(r"/docs(?:\('(?P<quoted>[^']*)'\)|/(?P<plain>[^/$]+))")
T = TypeVar("T")


class SearchService:
    """All work on the store is done by one thread, in the order it came."""

    def __init__(self, data: Path, key: str, lag: float) -> None:
        self._store = Store(writable_folder(data), lag)
        self._key = key
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="search")

    async def close(self, _: web.Application) -> None:
        self._thread.shutdown()
        self._store.close()

    async def _do(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def set_lag(self, request: web.Request) -> web.Response:
        body = await request.json()
        seconds = body.get("seconds") if isinstance(body, dict) else None
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds < 0:
            raise web.HTTPBadRequest(text='the body must be {"seconds": a number of at least 0}')
        await self._do(lambda: self._store.set_lag(seconds))
        return web.json_response({"seconds": seconds})

    async def serve(self, request: web.Request) -> web.StreamResponse:
        check_api_key(request, self._key)
        if request.path == "/servicestats":
            return web.json_response(await self._do(self._service_statistics))
        found = _PATH.fullmatch(request.path)
        if found is None:
            raise _nothing_at(request)
        name, rest = found["quoted"] or found["plain"], found["rest"] or ""
        if found["kind"] == "aliases":
            if rest:
                raise _nothing_at(request)
            return await self._aliases(request, name)
        if name is None:
            return await self._indexes(request)
        if not rest:
            return await self._index(request, unquote(name))
        return await self._documents(request, unquote(name), rest)

    async def _indexes(self, request: web.Request) -> web.Response:
        if request.method == "POST":
            return await self._define(request, None)
        _only(request, "GET")
        names = (request.query.get("$select") or "*").split(",")
        definitions = [_shown(table.index.body) for table in list(self._store.tables.values())]
        if names != ["*"]:
            definitions = [{name: definition.get(name) for name in names} for definition in definitions]
        return web.json_response({"value": definitions})

    async def _index(self, request: web.Request, name: str) -> web.Response:
        _only(request, "GET", "PUT", "DELETE")
        if request.method == "PUT":
            return await self._define(request, name)
        table = self._store.index(name)
        if request.method == "GET":
            return web.json_response(_shown(table.index.body))
        check_conditions(request, table.index.body)
        await self._do(lambda: self._store.drop(name))
        return web.Response(status=204)

    async def _define(self, request: web.Request, name: str | None) -> web.Response:
        index = index_from(await json_of(request))
        if name is not None and index.name != name:
            raise bad(f"The index is named {index.name!r} in the body and {name!r} in the URL.")

        def define() -> bool:
            present = self._store.tables.get(index.name)
            if present is not None and name is None:
                raise ServiceProblem(409, f"The index '{index.name}' exists already.", "ResourceNameAlreadyInUse")
            check_conditions(request, present.index.body if present else None)
            return self._store.define(index)

        new = await self._do(define)
        return web.json_response(_shown(index.body), status=201 if new else 200)

    async def _aliases(self, request: web.Request, name: str | None) -> web.Response:
        aliases = self._store.aliases
        if name is None and request.method == "GET":
            return web.json_response({"value": [_alias(alias, aliases) for alias in list(aliases)]})
        if request.method in ("PUT", "POST") and (name is None) == (request.method == "POST"):
            return await self._point(request, name)
        _only(request, *(["GET", "PUT", "DELETE"] if name else ["GET", "POST"]))
        if name not in aliases:
            raise ServiceProblem(404, f"The alias '{name}' was not found.", "ResourceNotFound")
        if request.method == "GET":
            return web.json_response(_alias(name, aliases))
        check_conditions(request, _alias(name, aliases))
        await self._do(lambda: self._store.unpoint(name))
        return web.Response(status=204)

    async def _point(self, request: web.Request, name: str | None) -> web.Response:
        body = await json_of(request)
        alias = check_name(body.get("name") if isinstance(body, dict) else None, "Alias")
        targets = body.get("indexes")
        if name not in (None, alias):
            raise bad(f"The alias is named {alias!r} in the body and {name!r} in the URL.")
        if not isinstance(targets, list) or len(targets) != 1 or not isinstance(targets[0], str):
            raise bad(f"The alias '{alias}' must point at exactly one index. Parameter name: indexes")

        def point() -> bool:
            present = _alias(alias, self._store.aliases) if alias in self._store.aliases else None
            if present is not None and name is None:
                raise ServiceProblem(409, f"The alias '{alias}' exists already.", "ResourceNameAlreadyInUse")
            check_conditions(request, present)
            return self._store.point(alias, targets[0])

        new = await self._do(point)
        return web.json_response(_alias(alias, self._store.aliases), status=201 if new else 200)

    async def _documents(self, request: web.Request, name: str, rest: str) -> web.StreamResponse:
        match rest:
            case "/docs/$count":
                return web.Response(text=str(await self._do(lambda: self._store.table(name).count())))
            case "/search.stats" | "/stats":
                return web.json_response(await self._do(lambda: _statistics(self._store.table(name))))
            case "/docs/search.index" | "/docs/index":
                _only(request, "POST")
                return await self._write(request, name)
            case "/docs/search.post.search" | "/docs/search":
                _only(request, "POST")
                body = await json_of(request)
                return web.json_response(await self._do(lambda: search(self._store.table(name), body)))
        found = _DOCUMENT.fullmatch(rest)
        if found is None or request.method != "GET":
            raise _nothing_at(request)
        key, wanted = unquote(found["quoted"] or found["plain"]), request.query.get("$select")
        return web.json_response(await self._do(lambda: _looked_up(self._store.table(name), key, wanted)))

    async def _write(self, request: web.Request, name: str) -> web.Response:
        body = await json_of(request)
        rows = body.get("value") if isinstance(body, dict) else None
        if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
            raise bad('The body must be {"value": [documents]}, with one at least.')
        if len(rows) > MAX_BATCH:
            raise bad(f"A batch has at most {MAX_BATCH} documents, this one has {len(rows)}.")
        actions = [_action(row) for row in rows]
        results = await self._do(lambda: self._store.write(name, actions))
        self._thread.submit(self._store.finish)  # behind the answer: what is committed is kept already
        failed = any(not result["status"] for result in results)
        return web.json_response({"value": results}, status=207 if failed else 200)

    def _service_statistics(self) -> dict[str, Any]:
        self._store.finish()
        tables = self._store.tables.values()
        sizes = [table.sizes() for table in tables]
        usage = {
            "documentCount": sum(table.count() for table in tables),
            "indexesCount": len(tables),
            "storageSize": sum(size for size, _ in sizes),
            "vectorIndexSize": sum(size for _, size in sizes),
            "aliasesCount": len(self._store.aliases),
        }
        others = dict.fromkeys(("indexersCount", "dataSourcesCount", "synonymMaps", "skillsetCount"), 0)
        counters = {name: {"usage": number, "quota": None} for name, number in (usage | others).items()}
        return {"counters": counters, "limits": {}}


def _only(request: web.Request, *methods: str) -> None:
    if request.method not in methods:
        raise ServiceProblem(405, f"The method {request.method} is not possible at {request.path!r}.")


def _nothing_at(request: web.Request) -> ServiceProblem:
    return ServiceProblem(404, f"There is nothing at {request.path!r}.", "ResourceNotFound")


def _action(row: Document) -> Action:
    action = row.pop("@search.action", "upload")
    if action not in ACTIONS:
        raise bad(f"The action {action!r} is not one of {', '.join(ACTIONS)}. Parameter name: @search.action")
    return action, row


def _shown(definition: Any) -> dict[str, Any]:
    return {**definition, "@odata.etag": etag(definition)}


def _alias(name: str, aliases: dict[str, str]) -> dict[str, Any]:
    return _shown({"name": name, "indexes": [aliases[name]]})


def _statistics(table: Table) -> dict[str, int]:
    size, vectors = table.sizes()
    return {"documentCount": table.count(), "storageSize": size, "vectorIndexSize": vectors}


def _looked_up(table: Table, key: str, wanted: str | None) -> Document:
    names = [name.strip() for name in wanted.split(",")] if wanted and wanted != "*" else retrievable(table)
    for name in names:
        if not table.index.field(name, "$select").retrievable:
            raise refused(name, "retrievable", "$select")
    found = table.documents.get(key)
    if found is None:
        raise ServiceProblem(404, f"Document '{key}' not found.", "ResourceNotFound")
    return projected(table, *found, names)


async def make_app(data: Path, key: str, lag: float = 0) -> web.Application:
    """The service with its indexes in `data`; every request but /healthz must carry `key`.

    `lag`: seconds for which what was written is kept but neither found, counted nor looked up.
    """
    service = SearchService(data, key, lag)
    faults = Faults()
    app = web.Application(client_max_size=MAX_BODY_BYTES, middlewares=[faults.middleware, answered])
    app.router.add_get("/healthz", _healthy)
    app.router.add_post("/control/visibility-lag", service.set_lag)
    app.add_routes(faults.routes())
    app.router.add_route("*", "/{path:.*}", service.serve)
    app.on_cleanup.append(service.close)
    return app


async def _healthy(_: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})
