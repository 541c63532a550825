"""The Durable management API over HTTP, as the extension serves it."""

import asyncio
import base64
import json
import uuid
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from aiohttp import web

from local.functions_host import protocol as wire
from local.functions_host.engine import Engine
from local.functions_host.instances import Conflict
from local.functions_host.protocol import Event
from local.functions_host.store import Instance

BASES = ("/runtime/webhooks/durabletask", "/durabletask")
TASK_HUB = "murmuration"
MAX_ID_CHARACTERS = 100
UNDER_WAY = ("Pending", "Running", "ContinuedAsNew", "Suspended")
PAGE = 100


class Management:
    """Routes of the management API; `origin` is the host's own address, known once it listens."""

    def __init__(self, engine: Engine, orchestrators: Sequence[str]) -> None:
        self._engine = engine
        self._instances = engine.instances
        self._store = engine.instances.store
        self._orchestrators = {name.casefold(): name for name in orchestrators}
        self.origin = ""

    def routes(self) -> list[web.RouteDef]:
        return [
            route
            for base in BASES
            for route in (
                web.post(base + "/orchestrators/{name}", self.start),
                web.post(base + "/orchestrators/{name}/{id}", self.start),
                web.get(base + "/instances", self.list),
                web.get(base + "/instances/", self.list),
                web.delete(base + "/instances", self.purge_many),
                web.delete(base + "/instances/", self.purge_many),
                web.get(base + "/instances/{id}", self.status),
                web.delete(base + "/instances/{id}", self.purge),
                web.post(base + "/instances/{id}/raiseEvent/{event}", self.raise_event),
                web.post(base + "/instances/{id}/terminate", self.terminate),
                web.post(base + "/instances/{id}/{verb}", self.not_there),
            )
        ]

    def client_binding(self) -> str:
        """The JSON of a durableClient binding."""
        base = f"{self.origin}{BASES[0]}"
        return json.dumps(
            {
                "taskHubName": TASK_HUB,
                "creationUrls": {
                    "createNewInstancePostUri": f"{base}/orchestrators/{{functionName}}[/{{instanceId}}]",
                    "createAndWaitOnNewInstancePostUri": f"{base}/orchestrators/{{functionName}}[/{{instanceId}}]"
                    "?timeout={timeoutInSeconds}&pollingInterval={intervalInSeconds}",
                },
                "managementUrls": self._links("INSTANCEID"),
                "baseUrl": base,
                "requiredQueryStringParameters": "",
                "rpcBaseUrl": f"{self.origin}{BASES[1]}/",
            }
        )

    def _links(self, instance: str) -> dict[str, str]:
        one = f"{self.origin}{BASES[0]}/instances/{instance}"
        return {
            "id": instance,
            "statusQueryGetUri": one,
            "sendEventPostUri": f"{one}/raiseEvent/{{eventName}}",
            "terminatePostUri": f"{one}/terminate?reason={{text}}",
            "purgeHistoryDeleteUri": one,
            "restartPostUri": f"{one}/restart",
            "suspendPostUri": f"{one}/suspend?reason={{text}}",
            "resumePostUri": f"{one}/resume?reason={{text}}",
            "rewindPostUri": f"{one}/rewind?reason={{text}}",
        }

    async def start(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        known = self._orchestrators.get(name.casefold())
        if known is None:
            return _error(400, f"The function '{name}' doesn't exist or is not an orchestrator function.")
        instance = request.match_info.get("id") or uuid.uuid4().hex
        if instance.startswith("@") or len(instance) > MAX_ID_CHARACTERS:
            return _error(400, f"Instance ids have 1 to {MAX_ID_CHARACTERS} characters and don't begin with @.")
        body = await request.text()
        try:
            given = json.dumps(json.loads(body)) if body else None
        except ValueError as error:
            return _error(400, f"The body is not JSON: {error}")
        try:
            self._instances.begin(known, instance, given, version=request.query.get("version"))
        except Conflict:
            return _error(409, f"An Orchestration instance with the status Running already exists: {instance}")
        self._engine.wake(instance)
        if "timeout" in request.query and "pollingInterval" in request.query:
            row = await self._ended(instance, float(request.query["timeout"]))
            if row is not None and row.status == "Completed":
                return web.json_response(text=row.output or "null")
        links = self._links(instance)
        headers = {"Location": links["statusQueryGetUri"], "Retry-After": "10"}
        return web.json_response(links, status=202, headers=headers)

    async def _ended(self, instance: str, seconds: float) -> Instance | None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while loop.time() < deadline:
            row = self._store.instance(instance)
            if row is not None and row.over:
                return row
            await asyncio.sleep(0.05)
        return None

    async def status(self, request: web.Request) -> web.Response:
        row = self._store.instance(request.match_info["id"])
        if row is None:
            return web.Response(status=404)
        history = self._store.history(row.id) if _flag(request, "showHistory") else None
        body = _shown(row, show_input=_flag(request, "showInput", default=True))
        if history is not None:
            body["historyEvents"] = _history(history, outputs=_flag(request, "showHistoryOutput"))
        if not row.over:
            headers = {"Location": self._links(quote(row.id, safe=""))["statusQueryGetUri"], "Retry-After": "5"}
            return web.json_response(body, status=202, headers=headers)
        failed = row.status == "Failed" and _flag(request, "returnInternalServerErrorOnFailure")
        return web.json_response(body, status=500 if failed else 200)

    async def list(self, request: web.Request) -> web.Response:
        after = None
        if token := request.headers.get("x-ms-continuation-token"):
            try:
                created, instance = json.loads(base64.urlsafe_b64decode(token))
            except ValueError:
                return _error(400, f"The continuation token is not one of this host: {token!r}")
            after = (created, instance)
        top = int(request.query.get("top", PAGE))
        rows = self._store.find(**_filter(request), after=after, top=top)
        body = [_shown(row, show_input=_flag(request, "showInput")) for row in rows]
        headers = {}
        if len(rows) == top:
            last = json.dumps([rows[-1].created, rows[-1].id])
            headers["x-ms-continuation-token"] = base64.urlsafe_b64encode(last.encode()).decode()
        return web.json_response(body, headers=headers)

    async def purge(self, request: web.Request) -> web.Response:
        row = self._store.instance(request.match_info["id"])
        if row is None or not row.over:
            return web.Response(status=404)
        self._instances.purge(row.id)
        return web.json_response({"instancesDeleted": 1})

    async def purge_many(self, request: web.Request) -> web.Response:
        if "createdTimeFrom" not in request.query:
            return _error(400, "createdTimeFrom is missing.")
        rows = [row for row in self._store.find(**_filter(request), top=1_000_000) if row.over]
        for row in rows:
            self._instances.purge(row.id)
        return web.json_response({"instancesDeleted": len(rows)}) if rows else web.Response(status=404)

    async def raise_event(self, request: web.Request) -> web.Response:
        row = self._store.instance(request.match_info["id"])
        if row is None or row.over:
            return web.Response(status=404 if row is None else 410)
        if request.content_type != "application/json":
            return _error(400, "Only application/json request content is supported")
        body = await request.text()
        try:
            given = json.dumps(json.loads(body)) if body else "null"
        except ValueError as error:
            return _error(400, f"The body is not JSON: {error}")
        self._instances.raise_event(row.id, request.match_info["event"], given)
        self._engine.wake(row.id)
        return web.Response(status=202)

    async def not_there(self, request: web.Request) -> web.Response:
        """Suspend, resume, rewind and restart are part of the links, and not of this host."""
        return _error(501, f"{request.match_info['verb']!r} is not available on this host.")

    async def terminate(self, request: web.Request) -> web.Response:
        row = self._store.instance(request.match_info["id"])
        if row is None or row.over:
            return web.Response(status=404 if row is None else 410)
        self._engine.terminate(row.id, request.query.get("reason", ""))
        return web.Response(status=202)


def _filter(request: web.Request) -> dict[str, Any]:
    statuses = request.query.get("runtimeStatus", "")
    return {
        "prefix": request.query.get("instanceIdPrefix", ""),
        "created_from": _moment(request.query.get("createdTimeFrom")),
        "created_to": _moment(request.query.get("createdTimeTo")),
        "statuses": [each for each in statuses.split(",") if each],
    }


def _moment(text: str | None) -> str | None:
    """The SDK sends years before 1000 unpadded: "1-01-01T…"."""
    if not text:
        return None
    year, dash, rest = text.partition("-")
    return wire.timestamp(wire.parse_timestamp(f"{year:0>4}{dash}{rest}"))


def _flag(request: web.Request, name: str, *, default: bool = False) -> bool:
    return request.query.get(name, str(default)).lower() == "true"


def _error(status: int, message: str) -> web.Response:
    body = {"Message": message, "ExceptionMessage": message, "ExceptionType": "", "StackTrace": ""}
    return web.json_response(body, status=status)


def _shown(row: Instance, *, show_input: bool) -> dict[str, Any]:
    return {
        "name": row.name,
        "instanceId": row.id,
        "runtimeStatus": row.status,
        "input": _value(row.input) if show_input else None,
        "customStatus": _value(row.custom_status),
        "output": _value(row.output),
        "createdTime": row.created[:19] + "Z",
        "lastUpdatedTime": row.updated[:19] + "Z",
    }


def _value(text: str | None) -> Any:
    return None if text is None else json.loads(text)


def _history(history: Sequence[Event], *, outputs: bool) -> list[dict[str, Any]]:
    """Events as people read them: scheduled and completed in one row, no bookkeeping."""
    scheduled = {
        each["EventId"]: each for each in history if each["EventType"] in (wire.TASK_SCHEDULED, wire.SUB_CREATED)
    }
    done = {
        each["TaskScheduledId"]
        for each in history
        if each["EventType"] in (wire.TASK_COMPLETED, wire.TASK_FAILED, wire.SUB_COMPLETED, wire.SUB_FAILED)
    }
    rows = []
    for each in history:
        if each["EventType"] in (wire.ORCHESTRATOR_STARTED, wire.ORCHESTRATOR_COMPLETED):
            continue
        if each["EventType"] in (wire.TASK_SCHEDULED, wire.SUB_CREATED) and each["EventId"] in done:
            continue
        row = {"EventType": wire.EVENT_NAMES[each["EventType"]], "Timestamp": each["Timestamp"]}
        for name in ("Name", "FireAt", "Reason", "OrchestrationStatus"):
            if each.get(name) is not None:
                row[name] = each[name]
        if "TaskScheduledId" in each:
            first = scheduled[each["TaskScheduledId"]]
            row |= {"FunctionName": first["Name"], "ScheduledTime": first["Timestamp"]}
        if outputs and each.get("Result") is not None:
            row["Result"] = _value(each["Result"])
        rows.append(row)
    return rows
