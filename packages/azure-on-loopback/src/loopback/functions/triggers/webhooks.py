"""The host's own endpoints that start functions: Event Grid's, that of blobs, and the administrator's."""

import json
from typing import Any

from aiohttp import web

from loopback.functions.apps import trigger_arguments
from loopback.functions.apps.loading import LoadedApp, QueuedFunction
from loopback.functions.http.errors import error
from loopback.functions.http.keys import Keys
from loopback.functions.http.paths import any_case
from loopback.functions.triggers.event_queue import EventQueue

BLOB_CREATED = "Microsoft.Storage.BlobCreated"


class Webhooks:
    """Puts invocations into the queue, and shows the host's status and the poison."""

    def __init__(self, app: LoadedApp, queue: EventQueue, keys: Keys) -> None:
        self._app = app
        self._queue = queue
        self._keys = keys
        self._functions = {name.casefold(): function for name, function in app.queued.items()}

    def routes(self) -> list[web.RouteDef]:
        handlers = [
            ("POST", "/runtime/webhooks/eventgrid", self.event_grid),
            ("OPTIONS", "/runtime/webhooks/eventgrid", self.handshake),
            ("POST", "/runtime/webhooks/blobs", self.blobs),
            ("POST", "/admin/functions/{name}", self.run_function),
            ("GET", "/admin/host/poison", self.poison),
            ("GET", "/admin/host/status", self.status),
            ("GET", "/admin/host/ping", _ping),
        ]
        return [web.route(method, any_case(path), handler) for method, path, handler in handlers]

    async def event_grid(self, request: web.Request) -> web.Response:
        self._keys.check_system(request, "eventgrid_extension")
        return await self._take_delivery(request, "eventGridTrigger")

    async def blobs(self, request: web.Request) -> web.Response:
        self._keys.check_system(request, "blobs_extension")
        return await self._take_delivery(request, "blobTrigger")

    async def handshake(self, request: web.Request) -> web.Response:
        """Answer the handshake of CloudEvents: the origin that asks may send."""
        self._keys.check_system(request, "eventgrid_extension")
        origin = request.headers.get("WebHook-Request-Origin", "")
        return web.Response(headers={"WebHook-Allowed-Origin": origin} if origin else {})

    async def _take_delivery(self, request: web.Request, kind: str) -> web.Response:
        """Take a delivery of Event Grid: the validation of a subscription, or events for one function."""
        name = request.query.get("functionName", "")
        function = self._functions.get(name.casefold().removeprefix("host.functions."))
        if function is None or function.trigger["type"] != kind:
            return error(404, f"cannot find a function with a {kind} of the name {name!r}")
        try:
            body = json.loads(await request.text())
        except ValueError as problem:
            return error(400, f"the body is not JSON: {problem}")
        events = body if isinstance(body, list) else [body]
        if not all(isinstance(event, dict) for event in events):
            return error(400, "the body must be an event or a list of events")
        event_type = request.headers.get("aeg-event-type", "Notification").casefold()
        if event_type == "subscriptionvalidation":
            code = _data(events[0]).get("validationCode") if events else None
            return web.json_response({"validationResponse": code}) if code else error(400, "no validationCode")
        if event_type == "unsubscribe":
            return web.Response(status=202)
        return self._enqueue_events(function, events)

    def _enqueue_events(self, function: QueuedFunction, events: list[dict[str, Any]]) -> web.Response:
        if function.trigger["type"] == "eventGridTrigger":
            for event in events:
                self._queue.enqueue(function.name, {"event": event})
            return web.Response(status=202)
        for event in events:
            url = _data(event).get("url")
            if not isinstance(url, str):
                return error(400, f"the event names no blob at data.url: {event.get('id')!r}")
            name = trigger_arguments.blob_name(url)
            created = event.get("eventType", event.get("type")) == BLOB_CREATED
            if created and trigger_arguments.matches(function.trigger["path"], name):
                self._queue.enqueue(function.name, {"name": name, "url": url})
        return web.Response(status=202)

    async def run_function(self, request: web.Request) -> web.Response:
        """Start any function that a timer, a message, a blob or an event starts; the body is {"input": …}."""
        self._keys.check_master(request)
        name = request.match_info["name"]
        function = self._functions.get(name.casefold())
        if function is None:
            known = ", ".join(sorted(self._app.queued)) or "(none)"
            return error(404, f"there is no function {name!r} to start here; there are: {known}")
        try:
            body = json.loads(await request.text() or "{}")
            value = body.get("input", "")
        except (ValueError, AttributeError):
            return error(400, 'the body must be JSON such as {"input": "text"}')
        try:
            self._queue.enqueue(function.name, _invocation(function, value))
        except ValueError as problem:
            return error(400, f"input: {problem}")
        return web.Response(status=202)

    async def status(self, request: web.Request) -> web.Response:
        self._keys.check_master(request)
        return web.json_response({"state": "Running"})

    async def poison(self, request: web.Request) -> web.Response:
        self._keys.check_master(request)
        return web.json_response(self._queue.poison())


def _data(event: dict[str, Any]) -> dict[str, Any]:
    data = event.get("data")
    return data if isinstance(data, dict) else {}


def _invocation(function: QueuedFunction, value: Any) -> dict[str, Any]:
    """Make an invocation from the `input` of an administrator's request; raises `ValueError`."""
    text = value if isinstance(value, str) else json.dumps(value)
    match function.trigger["type"]:
        case "timerTrigger":
            return {"IsPastDue": False, "ScheduleStatus": {}, "Schedule": {}}
        case "queueTrigger":
            return {"text": text}
        case "blobTrigger":
            if not trigger_arguments.matches(function.trigger["path"], text):
                raise ValueError(f"{text!r} is no blob of {function.trigger['path']!r}")
            return {"name": text}
        case _:
            event = json.loads(text)
            if not isinstance(event, dict):
                raise ValueError(f"{text!r} is no event")
            return {"event": event}


async def _ping(_: web.Request) -> web.Response:
    """Answer that the host is there; everybody may ask."""
    return web.Response()
