"""The management API for orchestrations."""

import json
import re
import uuid
from collections.abc import Callable

from aiohttp import web

from loopback.functions.engine.admin_commands import AdminCommands
from loopback.functions.engine.engine import Engine
from loopback.functions.engine.episode import Consequences
from loopback.functions.engine.instances import Conflict
from loopback.functions.http.errors import error
from loopback.functions.http.keys import Keys
from loopback.functions.http.paths import any_case
from loopback.functions.management import query, views
from loopback.functions.management.addresses import Addresses
from loopback.functions.management.durable_routes import Handler, durable_routes
from loopback.functions.protocol import MISSING_FUNCTION
from loopback.functions.replay.recorded import Recorded
from loopback.functions.storage.store import Instance

MAX_ID_CHARACTERS = 100
MAX_WAIT_SECONDS = 24 * 3600
DEFAULT_WAIT_SECONDS = 10
BAD_ID = re.compile(r"[/\\#?\x00-\x1f\x7f-\x9f]")
Command = Callable[[Instance, str], Consequences]
"""Takes an instance and a reason, returns the work that follows."""


class OrchestrationApi:
    """Starts, shows and commands instances."""

    def __init__(self, engine: Engine, orchestrators: list[str], addresses: Addresses, keys: Keys) -> None:
        self._engine = engine
        self._instances = engine.instances
        self._store = engine.instances.store
        self._commands = AdminCommands(engine.instances)
        self._orchestrators = {name.casefold(): name for name in orchestrators}
        self._addresses = addresses
        self._keys = keys

    def routes(self) -> list[web.RouteDef]:
        commands = self._commands
        handlers = [
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
            ("POST", "/instances/{id}/terminate", self._command(commands.terminate)),
            ("POST", "/instances/{id}/suspend", self._command(commands.suspend, forbidden="Suspended")),
            ("POST", "/instances/{id}/resume", self._command(commands.resume, required="Suspended")),
        ]
        raw_history = web.get(any_case("/admin/instances/{id}/history"), self.recorded)
        return [*durable_routes(handlers, self._addresses, self._keys), raw_history]

    async def recorded(self, request: web.Request) -> web.Response:
        """Send the raw history, which `recorded.differences` replays elsewhere."""
        self._keys.check_master(request)
        row = self._store.instance(request.match_info["id"])
        if row is None:
            return web.Response(status=404)
        events = [json.loads(event) for event in self._store.history(row.id)]
        return web.json_response(vars(Recorded(row.name, row.id, row.parent, row.input, events)))

    async def start(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        orchestrator = self._orchestrators.get(name.casefold())
        if orchestrator is None:
            names = ", ".join(f"'{known_name}'" for known_name in self._orchestrators.values())
            return error(
                400,
                f"{MISSING_FUNCTION.format(name, 'an orchestrator function')}"
                f" Additional info: the following are the known orchestrator functions: {names or '(none)'}.",
            )
        instance = request.match_info.get("id") or uuid.uuid4().hex
        if instance.startswith("@") or len(instance) > MAX_ID_CHARACTERS or BAD_ID.search(instance):
            return error(
                400,
                f"An instance id has 1 to {MAX_ID_CHARACTERS} characters, doesn't begin with @ and holds no"
                f" /, \\, #, ? or control character: {instance[:MAX_ID_CHARACTERS]!r}.",
            )
        try:
            input_json = await query.json_text(request)
        except ValueError as problem:
            return error(400, "Invalid JSON content", problem)
        wait_seconds = _wait_seconds(request)
        try:
            self._instances.start(orchestrator, instance, input_json, version=request.query.get("version"))
        except Conflict:
            return error(409, f"An Orchestration instance with the status Running already exists: {instance}")
        self._engine.wake(instance)
        return await self._started(request, instance, wait_seconds)

    async def _started(self, request: web.Request, instance: str, wait_seconds: float | None) -> web.Response:
        """Answer with links; or with the result, if the caller waits and the instance ends in time."""
        if wait_seconds is not None:
            await self._engine.wait_for_end(instance, wait_seconds)
            row = self._store.instance(instance)
            if row is not None and row.status == "Completed":
                return web.json_response(text=row.output or "null")
            if row is not None and row.ended:
                return web.json_response(views.status_body(row, show_input=True))
        links = self._addresses.of(instance, origin=str(request.url.origin()))
        headers = {"Location": links["statusQueryGetUri"], "Retry-After": "10"}
        return web.json_response(links, status=202, headers=headers)

    async def status(self, request: web.Request) -> web.Response:
        row = self._store.instance(request.match_info["id"])
        if row is None:
            return web.Response(status=404)
        body = views.status_body(row, show_input=query.flag(request, "showInput", default=True))
        if query.flag(request, "showHistory"):
            history = [json.loads(event) for event in self._store.history(row.id)]
            body["historyEvents"] = views.history_rows(history, outputs=query.flag(request, "showHistoryOutput"))
        if not row.ended:
            headers = {"Location": str(request.url), "Retry-After": "5"}
            return web.json_response(body, status=202, headers=headers)
        failed = row.status == "Failed" and query.flag(request, "returnInternalServerErrorOnFailure")
        return web.json_response(body, status=500 if failed else 200)

    async def list(self, request: web.Request) -> web.Response:
        top = query.page_size(request)
        rows = self._store.find(query.instance_filter(request), after=query.page_start(request), top=top)
        show_input = query.flag(request, "showInput", default=True)
        body = [views.status_body(row, show_input=show_input) for row in rows]
        headers = {query.TOKEN_HEADER: query.page_token(rows[-1].created, rows[-1].id)} if len(rows) == top else {}
        return web.json_response(body, headers=headers)

    async def purge(self, request: web.Request) -> web.Response:
        instance = request.match_info["id"]
        if instance.startswith("@"):
            deleted = self._instances.entities.purge(instance)
            return web.json_response({"instancesDeleted": 1}) if deleted else web.Response(status=404)
        row = self._store.instance(instance)
        if row is None:
            return web.Response(status=404)
        if not row.ended:
            return error(412, f"Only ended instances can be purged; {row.id!r} has the status {row.status}.")
        self._commands.purge(row)
        return web.json_response({"instancesDeleted": 1})

    async def purge_many(self, request: web.Request) -> web.Response:
        if not request.query.get("createdTimeFrom"):
            return error(400, "Please provide value for 'createdTimeFrom' parameter.")
        deleted = self._commands.purge_ended(query.instance_filter(request))
        return web.json_response({"instancesDeleted": deleted}) if deleted else web.Response(status=404)

    async def raise_event(self, request: web.Request) -> web.Response:
        row = self._store.instance(request.match_info["id"])
        if row is None or row.ended:
            return web.Response(status=404 if row is None else 410)
        if request.content_type != "application/json":
            return error(400, "Only application/json request content is supported")
        try:
            input_json = await query.json_text(request)
        except ValueError as problem:
            return error(400, "Invalid JSON content", problem)
        self._engine.follow(self._commands.raise_event(row, request.match_info["event"], input_json or "null"))
        return web.Response(status=202)

    def _command(self, command: Command, *, required: str = "", forbidden: str = "") -> Handler:
        """Make a handler for a command to an instance that has not ended; a status may be required or forbidden."""

        async def handler(request: web.Request) -> web.Response:
            row = self._store.instance(request.match_info["id"])
            if row is None or row.ended:
                return web.Response(status=404 if row is None else 410)
            if row.status == forbidden or (required and row.status != required):
                return error(500, f"Cannot {command.__name__} the instance {row.id!r}: its status is {row.status}.")
            self._engine.follow(command(row, request.query.get("reason", "")))
            return web.Response(status=202)

        return handler

    async def rewind(self, request: web.Request) -> web.Response:
        row = self._store.instance(request.match_info["id"])
        if row is None or row.status in ("Completed", "Terminated"):
            return web.Response(status=404 if row is None else 410)
        if row.status != "Failed":
            return error(500, f"Only failed instances can be rewound; {row.id!r} has the status {row.status}.")
        self._engine.follow(self._commands.rewind(row, request.query.get("reason", "")))
        return web.Response(status=202)

    async def restart(self, request: web.Request) -> web.Response:
        row = self._store.instance(request.match_info["id"])
        if row is None:
            return error(400, f"No instance has the id {request.match_info['id']!r}.")
        wait_seconds = _wait_seconds(request)
        try:
            new_id = query.flag(request, "restartWithNewInstanceId", default=True)
            instance = self._commands.restart(row, new_id=new_id)
        except Conflict:
            return error(409, f"A non-terminal instance with this instance id already exists: {row.id!r}.")
        self._engine.wake(instance)
        return await self._started(request, instance, wait_seconds)


def _wait_seconds(request: web.Request) -> float | None:
    """Return how long the caller waits for the end; None unless it sends both parameters for that."""
    if "timeout" not in request.query or "pollingInterval" not in request.query:
        return None
    # The interval is checked and not used: the host answers at the end without polling.
    query.number(request, "pollingInterval", 1, low=0, high=MAX_WAIT_SECONDS)
    return query.number(request, "timeout", DEFAULT_WAIT_SECONDS, low=0, high=MAX_WAIT_SECONDS)
