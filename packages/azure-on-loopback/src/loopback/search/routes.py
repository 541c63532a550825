"""The REST routes: `/indexes('NAME')/…` as the SDK writes them, `/indexes/NAME/…` as the documentation does."""

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
from loopback.search.errors import ApiError, bad_request
from loopback.search.faults import Faults
from loopback.search.parameters import lacks_attribute
from loopback.search.requests import MAX_BODY_BYTES, answer_errors, check_api_key, check_conditions, etag, json_body
from loopback.search.search import project, retrievable_fields, search
from loopback.search.store import Action, Store
from loopback.search.table import Table
from loopback.serving import writable_folder

MAX_BATCH = 1_000
ACTIONS = ("upload", "merge", "mergeOrUpload", "delete")
_PATH = re.compile(r"/(?P<kind>indexes|aliases)(?:\('(?P<quoted>[^']*)'\)|/(?P<plain>[^/(]+))?(?P<rest>/.*)?")
_DOCUMENT = re.compile(r"/docs(?:\('(?P<quoted>[^']*)'\)|/(?P<plain>[^/$]+))")
T = TypeVar("T")


class SearchService:
    """The service. One thread does all work on the store, in the order of the requests."""

    def __init__(self, data: Path, key: str, lag: float) -> None:
        self._store = Store(writable_folder(data), lag)
        self._key = key
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="search")

    async def close(self, _: web.Application) -> None:
        self._thread.shutdown()
        self._store.close()

    async def _in_store_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def set_lag(self, request: web.Request) -> web.Response:
        body = await request.json()
        seconds = body.get("seconds") if isinstance(body, dict) else None
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds < 0:
            raise web.HTTPBadRequest(text=f'the body must be {{"seconds": N}} with N at least 0, not {body!r}')
        await self._in_store_thread(lambda: self._store.set_lag(seconds))
        return web.json_response({"seconds": seconds})

    async def serve(self, request: web.Request) -> web.StreamResponse:
        check_api_key(request, self._key)
        if request.path == "/servicestats":
            return web.json_response(await self._in_store_thread(self._service_statistics))
        path = _PATH.fullmatch(request.path)
        if path is None:
            raise _not_found(request)
        name, rest = path["quoted"] or path["plain"], path["rest"] or ""
        if path["kind"] == "aliases":
            if rest:
                raise _not_found(request)
            return await self._aliases(request, name)
        if name is None:
            return await self._indexes(request)
        if not rest:
            return await self._index(request, unquote(name))
        return await self._documents(request, unquote(name), rest)

    async def _indexes(self, request: web.Request) -> web.Response:
        if request.method == "POST":
            return await self._define(request, None)
        _allow_only(request, "GET")
        names = (request.query.get("$select") or "*").split(",")
        definitions = [_with_etag(table.index.body) for table in list(self._store.tables.values())]
        if names != ["*"]:
            definitions = [{name: definition.get(name) for name in names} for definition in definitions]
        return web.json_response({"value": definitions})

    async def _index(self, request: web.Request, name: str) -> web.Response:
        _allow_only(request, "GET", "PUT", "DELETE")
        if request.method == "PUT":
            return await self._define(request, name)
        table = self._store.table_of_index(name)
        if request.method == "GET":
            return web.json_response(_with_etag(table.index.body))
        check_conditions(request, table.index.body)
        await self._in_store_thread(lambda: self._store.drop(name))
        return web.Response(status=204)

    async def _define(self, request: web.Request, name: str | None) -> web.Response:
        index = index_from(await json_body(request))
        if name is not None and index.name != name:
            raise bad_request(f"The index is named {index.name!r} in the body and {name!r} in the URL.")

        def define() -> bool:
            present = self._store.tables.get(index.name)
            if present is not None and name is None:
                raise ApiError(409, f"The index '{index.name}' exists already.", "ResourceNameAlreadyInUse")
            check_conditions(request, present.index.body if present else None)
            return self._store.define(index)

        new = await self._in_store_thread(define)
        return web.json_response(_with_etag(index.body), status=201 if new else 200)

    async def _aliases(self, request: web.Request, name: str | None) -> web.Response:
        aliases = self._store.aliases
        if name is None and request.method == "GET":
            return web.json_response({"value": [_alias(alias, aliases) for alias in list(aliases)]})
        if request.method in ("PUT", "POST") and (name is None) == (request.method == "POST"):
            return await self._set_alias(request, name)
        _allow_only(request, *(["GET", "PUT", "DELETE"] if name else ["GET", "POST"]))
        if name not in aliases:
            raise ApiError(404, f"The alias '{name}' was not found.", "ResourceNotFound")
        if request.method == "GET":
            return web.json_response(_alias(name, aliases))
        check_conditions(request, _alias(name, aliases))
        await self._in_store_thread(lambda: self._store.delete_alias(name))
        return web.Response(status=204)

    async def _set_alias(self, request: web.Request, name: str | None) -> web.Response:
        body = await json_body(request)
        alias = check_name(body.get("name") if isinstance(body, dict) else None, "Alias")
        targets = body.get("indexes")
        if name not in (None, alias):
            raise bad_request(f"The alias is named {alias!r} in the body and {name!r} in the URL.")
        if not isinstance(targets, list) or len(targets) != 1 or not isinstance(targets[0], str):
            raise bad_request(f"The alias '{alias}' must point at exactly one index. Parameter name: indexes")

        def set_alias() -> bool:
            present = _alias(alias, self._store.aliases) if alias in self._store.aliases else None
            if present is not None and name is None:
                raise ApiError(409, f"The alias '{alias}' exists already.", "ResourceNameAlreadyInUse")
            check_conditions(request, present)
            return self._store.set_alias(alias, targets[0])

        new = await self._in_store_thread(set_alias)
        return web.json_response(_alias(alias, self._store.aliases), status=201 if new else 200)

    async def _documents(self, request: web.Request, name: str, rest: str) -> web.StreamResponse:
        match rest:
            case "/docs/$count":
                return web.Response(text=str(await self._in_store_thread(lambda: self._store.table(name).count())))
            case "/search.stats" | "/stats":
                return web.json_response(await self._in_store_thread(lambda: _statistics(self._store.table(name))))
            case "/docs/search.index" | "/docs/index":
                _allow_only(request, "POST")
                return await self._write(request, name)
            case "/docs/search.post.search" | "/docs/search":
                _allow_only(request, "POST")
                body = await json_body(request)
                return web.json_response(await self._in_store_thread(lambda: search(self._store.table(name), body)))
        document = _DOCUMENT.fullmatch(rest)
        if document is None or request.method != "GET":
            raise _not_found(request)
        key, select = unquote(document["quoted"] or document["plain"]), request.query.get("$select")
        return web.json_response(await self._in_store_thread(lambda: _look_up(self._store.table(name), key, select)))

    async def _write(self, request: web.Request, name: str) -> web.Response:
        body = await json_body(request)
        rows = body.get("value") if isinstance(body, dict) else None
        if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
            raise bad_request('The body must be {"value": [documents]} with at least one document.')
        if len(rows) > MAX_BATCH:
            raise bad_request(f"A batch has at most {MAX_BATCH} documents, this one has {len(rows)}.")
        actions = [_action(row) for row in rows]
        results = await self._in_store_thread(lambda: self._store.write(name, actions))
        self._thread.submit(self._store.index_written)  # after the answer: the commit has saved the batch
        failed = any(not result["status"] for result in results)
        return web.json_response({"value": results}, status=207 if failed else 200)

    def _service_statistics(self) -> dict[str, Any]:
        self._store.index_written()
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


def _allow_only(request: web.Request, *methods: str) -> None:
    if request.method not in methods:
        raise ApiError(405, f"The method {request.method} is not allowed at {request.path!r}.")


def _not_found(request: web.Request) -> ApiError:
    return ApiError(404, f"There is nothing at {request.path!r}.", "ResourceNotFound")


def _action(row: Document) -> Action:
    action = row.pop("@search.action", "upload")
    if action not in ACTIONS:
        raise bad_request(f"The action {action!r} is not one of {', '.join(ACTIONS)}. Parameter name: @search.action")
    return action, row


def _with_etag(definition: Any) -> dict[str, Any]:
    return {**definition, "@odata.etag": etag(definition)}


def _alias(name: str, aliases: dict[str, str]) -> dict[str, Any]:
    return _with_etag({"name": name, "indexes": [aliases[name]]})


def _statistics(table: Table) -> dict[str, int]:
    size, vectors = table.sizes()
    return {"documentCount": table.count(), "storageSize": size, "vectorIndexSize": vectors}


def _look_up(table: Table, key: str, select: str | None) -> Document:
    names = [name.strip() for name in select.split(",")] if select and select != "*" else retrievable_fields(table)
    for name in names:
        if not table.index.field(name, "$select").retrievable:
            raise lacks_attribute(name, "retrievable", "$select")
    document = table.documents.get(key)
    if document is None:
        raise ApiError(404, f"Document '{key}' not found.", "ResourceNotFound")
    return project(table, *document, names)


async def make_app(data: Path, key: str, lag: float = 0) -> web.Application:
    """Make the service with its indexes in `data`; every request except /healthz must carry `key`.

    `lag`: seconds for which a write is stored, but neither found, counted nor looked up.
    """
    service = SearchService(data, key, lag)
    faults = Faults()
    app = web.Application(client_max_size=MAX_BODY_BYTES, middlewares=[faults.middleware, answer_errors])
    app.router.add_get("/healthz", _health)
    app.router.add_post("/control/visibility-lag", service.set_lag)
    app.add_routes(faults.routes())
    app.router.add_route("*", "/{path:.*}", service.serve)
    app.on_cleanup.append(service.close)
    return app


async def _health(_: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})
