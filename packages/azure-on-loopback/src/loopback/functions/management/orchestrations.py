"""The Durable management API for orchestrations over HTTP, as the extension serves it."""

import base64
import json
import re
import uuid
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from aiohttp import web

from loopback.functions.engine.admin_commands import Conflict, Control
from loopback.functions.engine.engine import Engine
from loopback.functions.engine.episodes import Consequences
from loopback.functions.http.keys import Keys
from loopback.functions.http.paths import any_case
from loopback.functions.management import views as shown
from loopback.functions.management.addresses import WEBHOOKS, Addresses
from loopback.functions.replay.recorded import Recorded
from loopback.functions.storage.store import Instance

MAX_ID_CHARACTERS = 100
MAX_WAIT_SECONDS = 24 * 3600
BAD_ID = re.compile(r"[/\\#?\x00-\x1f\x7f-\x9f]")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Change = Callable[[Instance, str], Consequences]
"""An instance and a reason -> the work that follows."""


class Management:
    def __init__(self, engine: Engine, orchestrators: list[str], addresses: Addresses, keys: Keys) -> None:
        self._engine = engine
        self._instances = engine.instances
        self._store = engine.instances.store
        self._control = Control(engine.instances)
        self._orchestrators = {name.casefold(): name for name in orchestrators}
        self._addresses = addresses
        self._keys = keys

    def routes(self) -> list[web.RouteDef]:
        found = [
            ("POST", "/orchestrators/{name}", self.start),
            ("POST", "/orchestrators/{name}/{id}", self.start),
            ("GET", "/instances", self.list),
            ("GET", "/instances/", self.list),
            ("DELETE", "/instances", self.purge_many),
            ("DELETE", "/instances/", self.purge_many),
            ("GET", "/instances/{id}", self.status),
            ("DELETE", "/instances/{id}", self.purge),
            ("POST", "/instances/{id}/raiseEvent/{event}", self.raise_event),
            ("POST", "/instances/{id}/restart", self.restart),
            ("POST", "/instances/{id}/rewind", self.rewind),
            ("POST", "/instances/{id}/terminate", self._change(self._control.terminate)),
            ("POST", "/instances/{id}/suspend", self._change(self._control.suspend, refused="Suspended")),
            ("POST", "/instances/{id}/resume", self._change(self._control.resume, only="Suspended")),
        ]
        raw = web.get(any_case("/admin/instances/{id}/history"), self.recorded)
        return [*durable_routes(found, self._addresses, self._keys), raw]

    async def recorded(self, request: web.Request) -> web.Response:
        """The history as it is kept, to be replayed elsewhere; see `recorded.py`."""
        self._keys.check_master(request)
        row = self._store.instance(request.match_info["id"])
        if row is None:
            return web.Response(status=404)
        events = [json.loads(event) for event in self._store.history(row.id)]
        return web.json_response(vars(Recorded(row.name, row.id, row.parent, row.input, events)))

    async def start(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        known = self._orchestrators.get(name.casefold())
        if known is None:
            names = ", ".join(f"'{orchestrator}'" for orchestrator in self._orchestrators.values())
            return shown.error(
                400,
                f"The function '{name}' doesn't exist, is disabled, or is not an orchestrator function. "
                f"Additional info: the following are the known orchestrator functions: {names or '(none)'}.",
            )
        instance = request.match_info.get("id") or uuid.uuid4().hex
        if instance.startswith("@") or len(instance) > MAX_ID_CHARACTERS or BAD_ID.search(instance):
            return shown.error(
                400,
                f"An instance id has 1 to {MAX_ID_CHARACTERS} characters, doesn't begin with @ and holds no"
                f" /, \\, #, ? or control character: {instance[:MAX_ID_CHARACTERS]!r}.",
            )
        try:
            given = await _json_text(request)
        except ValueError as problem:
            return shown.error(400, "Invalid JSON content", problem)
        wait = _wait(request)
        try:
            self._instances.begin(known, instance, given, version=request.query.get("version"))
        except Conflict:
            return shown.error(409, f"An Orchestration instance with the status Running already exists: {instance}")
        self._engine.wake(instance)
        return await self._started(request, instance, wait)

    async def _started(self, request: web.Request, instance: str, wait: float | None) -> web.Response:
        """Links; or the output, when the caller waits and it is there in time."""
        if wait is not None:
            await self._engine.until_over(instance, wait)
            row = self._store.instance(instance)
            if row is not None and row.status == "Completed":
                return web.json_response(text=row.output or "null")
            if row is not None and row.over:
                return web.json_response(shown.status_body(row, show_input=True))
        links = self._addresses.of(instance, origin=str(request.url.origin()))
        headers = {"Location": links["statusQueryGetUri"], "Retry-After": "10"}
        return web.json_response(links, status=202, headers=headers)

    async def status(self, request: web.Request) -> web.Response:
        row = self._store.instance(request.match_info["id"])
        if row is None:
            return web.Response(status=404)
        body = shown.status_body(row, show_input=shown.flag(request, "showInput", default=True))
        if shown.flag(request, "showHistory"):
            history = [json.loads(event) for event in self._store.history(row.id)]
            body["historyEvents"] = shown.history_rows(history, outputs=shown.flag(request, "showHistoryOutput"))
        if not row.over:
            headers = {"Location": str(request.url), "Retry-After": "5"}
            return web.json_response(body, status=202, headers=headers)
        failed = row.status == "Failed" and shown.flag(request, "returnInternalServerErrorOnFailure")
        return web.json_response(body, status=500 if failed else 200)

    async def list(self, request: web.Request) -> web.Response:
        top = shown.top(request)
        rows = self._store.find(shown.asked_filter(request), after=_position(request), top=top)
        show_input = shown.flag(request, "showInput", default=True)
        body = [shown.status_body(row, show_input=show_input) for row in rows]
        headers = {}
        if len(rows) == top:
            last = json.dumps([rows[-1].created, rows[-1].id])
            headers[shown.TOKEN_HEADER] = base64.urlsafe_b64encode(last.encode()).decode()
        return web.json_response(body, headers=headers)

    async def purge(self, request: web.Request) -> web.Response:
        instance = request.match_info["id"]
        if instance.startswith("@"):
            found = self._engine.instances.entities.purge(instance)
            return web.json_response({"instancesDeleted": 1}) if found else web.Response(status=404)
        row = self._store.instance(instance)
        if row is None:
            return web.Response(status=404)
        if not row.over:
            return shown.error(412, f"Only ended instances can be purged; {row.id!r} has the status {row.status}.")
        self._control.purge(row)
        return web.json_response({"instancesDeleted": 1})

    async def purge_many(self, request: web.Request) -> web.Response:
        if not request.query.get("createdTimeFrom"):
            return shown.error(400, "Please provide value for 'createdTimeFrom' parameter.")
        deleted = self._control.purge_ended(shown.asked_filter(request))
        return web.json_response({"instancesDeleted": deleted}) if deleted else web.Response(status=404)

    async def raise_event(self, request: web.Request) -> web.Response:
        row = self._store.instance(request.match_info["id"])
        if row is None or row.over:
            return web.Response(status=404 if row is None else 410)
        if request.content_type != "application/json":
            return shown.error(400, "Only application/json request content is supported")
        try:
            given = await _json_text(request)
        except ValueError as problem:
            return shown.error(400, "Invalid JSON content", problem)
        self._engine.follow(self._control.raise_event(row, request.match_info["event"], given or "null"))
        return web.Response(status=202)

    def _change(self, change: Change, *, only: str = "", refused: str = "") -> Handler:
        """A handler that does something to an instance that has not ended: `only` in one status, or `refused` in it."""

        async def handler(request: web.Request) -> web.Response:
            row = self._store.instance(request.match_info["id"])
            if row is None or row.over:
                return web.Response(status=404 if row is None else 410)
            if row.status == refused or (only and row.status != only):
                return shown.error(
                    500, f"Cannot {change.__name__} the instance {row.id!r}: its status is {row.status}."
                )
            self._engine.follow(change(row, request.query.get("reason", "")))
            return web.Response(status=202)

        return handler

    async def rewind(self, request: web.Request) -> web.Response:
        row = self._store.instance(request.match_info["id"])
        if row is None or row.status in ("Completed", "Terminated"):
            return web.Response(status=404 if row is None else 410)
        if row.status != "Failed":
            return shown.error(500, f"Only failed instances can be rewound; {row.id!r} has the status {row.status}.")
        self._engine.follow(self._control.rewind(row, request.query.get("reason", "")))
        return web.Response(status=202)

    async def restart(self, request: web.Request) -> web.Response:
        row = self._store.instance(request.match_info["id"])
        if row is None:
            return shown.error(400, f"No instance has the id {request.match_info['id']!r}.")
        wait = _wait(request)
        try:
            new_id = shown.flag(request, "restartWithNewInstanceId", default=True)
            instance = self._control.restart(row, new_id=new_id)
        except Conflict:
            return shown.error(409, f"A non-terminal instance with this instance id already exists: {row.id!r}.")
        self._engine.wake(instance)
        return await self._started(request, instance, wait)


def _wait(request: web.Request) -> float | None:
    """How many seconds the caller waits for the end; None unless it asks for that."""
    if "timeout" not in request.query or "pollingInterval" not in request.query:
        return None
    shown.number(request, "pollingInterval", 1, least=0, most=MAX_WAIT_SECONDS)  # it is told at once, without polls
    return shown.number(request, "timeout", 10, least=0, most=MAX_WAIT_SECONDS)


def durable_routes(found: Sequence[tuple[str, str, Handler]], addresses: Addresses, keys: Keys) -> list[web.RouteDef]:
    """Each handler at both bases; that of the webhooks is behind the extension's key."""

    def behind_key(handler: Handler) -> Handler:
        async def checked(request: web.Request) -> web.StreamResponse:
            keys.check_system(request, "durabletask_extension")
            return await handler(request)

        return checked

    return [
        web.route(method, base + any_case(path), handler if base == addresses.rpc else behind_key(handler))
        for base in (any_case(WEBHOOKS), addresses.rpc)
        for method, path, handler in found
    ]


async def _json_text(request: web.Request) -> str | None:
    """The body's JSON, in our own spelling; None without a body; raises `ValueError`."""
    body = await request.text()
    return json.dumps(json.loads(body, parse_constant=_no_number)) if body else None


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is no JSON")


def _position(request: web.Request) -> tuple[str, str]:
    token = request.headers.get(shown.TOKEN_HEADER)
    if not token or token == "null":  # noqa: S105 - what some clients send for none
        return "", ""
    try:
        created, instance = json.loads(base64.urlsafe_b64decode(token))
    except (ValueError, TypeError) as problem:
        raise shown.refuse(f"The continuation token is not one of this host: {token!r}.") from problem
    return str(created), str(instance)
