"""The host: puts together an app, its store, its engine and its web server."""

import re
import traceback
from collections.abc import Awaitable, Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from aiohttp import web

from loopback.functions.apps.app_folder import inside
from loopback.functions.apps.host_settings import read_host_settings
from loopback.functions.apps.loading import LoadedApp, load
from loopback.functions.apps.sdk import close_client, speed_up_sdk
from loopback.functions.clock import Clock, SystemClock
from loopback.functions.engine.call_http import call_http
from loopback.functions.engine.engine import Engine
from loopback.functions.engine.entities import Entities
from loopback.functions.engine.instances import Instances
from loopback.functions.http.errors import error
from loopback.functions.http.http_functions import MAX_BODY_BYTES, HttpFunctions
from loopback.functions.http.keys import Keys
from loopback.functions.management.addresses import Addresses
from loopback.functions.management.entity_api import EntityApi
from loopback.functions.management.orchestrations import OrchestrationApi
from loopback.functions.protocol import HTTP_ACTIVITY
from loopback.functions.report import report
from loopback.functions.storage.database import Database
from loopback.functions.storage.store import Store
from loopback.functions.triggers.event_queue import EventQueue
from loopback.functions.triggers.webhooks import Webhooks
from loopback.serving import HOST, LISTENING, CannotStart, writable_folder

LOADED: web.AppKey[LoadedApp] = web.AppKey("loaded", LoadedApp)
TOO_LARGE = 413
OWN_PATHS = ("/runtime/", "/admin/", "/durabletask")


@dataclass(frozen=True)
class Options:
    """The way a host runs."""

    data: Path
    """The folder that holds all that the host keeps."""
    auth: bool = False
    """Whether access keys are enforced."""
    home: str | None = None
    """The path that `/` redirects to."""
    clock: Clock = field(default_factory=SystemClock)


async def make_app(folder: Path, options: Options) -> web.Application:
    """Make the web application of a host that runs the app in `folder`.

    Work begins when it listens and stops when it is cleaned up. Until then the process is the app's: `folder` is its
    working directory and the first folder that it imports from. Raises `CannotStart`.
    """
    if options.home is not None and not re.match(r"/(?!/)", options.home):
        raise CannotStart(f"--home must be a path of the app that begins with one /, not {options.home!r}")
    settings, data = read_host_settings(folder), options.data.absolute()
    with ExitStack() as resources:
        resources.enter_context(inside(folder))
        app = load(folder, settings)
        database = resources.enter_context(closing(Database(writable_folder(data))))
        web_app = _serve(app, database, data, options)
        held = resources.pop_all()

    async def release(_: web.Application) -> None:
        held.close()

    web_app.on_cleanup.append(release)
    return web_app


def _serve(app: LoadedApp, database: Database, data: Path, options: Options) -> web.Application:
    speed_up_sdk()
    app.activities[HTTP_ACTIVITY] = call_http
    keys = Keys(data, [function.name for function in app.http], enforced=options.auth)
    addresses = Addresses(app.settings.hub_name, keys)
    app.client_binding = addresses.client_binding
    store = Store(database)
    entities = Entities(database, store, options.clock)
    engine = Engine(Instances(store, entities, options.clock, app.settings.default_version), app)
    queue = EventQueue(database, options.clock, app, data / "blobs")

    web_app = web.Application(client_max_size=MAX_BODY_BYTES, middlewares=[_errors_as_json])
    if options.home is not None:
        web_app.router.add_get("/", partial(_redirect, options.home))
    web_app.add_routes(OrchestrationApi(engine, list(app.orchestrators), addresses, keys).routes())
    web_app.add_routes(EntityApi(engine, list(app.entities), addresses, keys).routes())
    web_app.add_routes(Webhooks(app, queue, keys).routes())
    web_app.router.add_route("*", "/{path:.*}", HttpFunctions(app.http, app.settings.route_prefix, keys).serve)

    def begin(port: int) -> None:
        addresses.origin = f"http://{HOST}:{port}"
        engine.start()
        queue.start()

    async def end(_: web.Application) -> None:
        await queue.stop()
        await engine.stop()
        await close_client()

    web_app[LISTENING] = begin
    web_app.on_cleanup.append(end)
    web_app[LOADED] = app
    return web_app


async def _redirect(path: str, _: web.Request) -> web.Response:
    raise web.HTTPFound(path)


@web.middleware
async def _errors_as_json(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Let the host's own endpoints answer with JSON, whatever goes wrong."""
    try:
        return await handler(request)
    except web.HTTPException as problem:
        if problem.content_type == "application/json" or not request.path.lower().startswith(OWN_PATHS):
            raise
        limit = f"; a body has at most {MAX_BODY_BYTES} bytes" if problem.status == TOO_LARGE else ""
        return error(problem.status, f"{problem.reason}: {request.method} {request.path}{limit}")
    except Exception:  # noqa: BLE001 - a defect of the host; its trace is for the person who runs it
        report(traceback.format_exc())
        return error(500, "Something went wrong while processing your request")


def describe(app: LoadedApp, port: int) -> list[str]:
    """List the functions as `func start` does."""
    prefix = f"{app.settings.route_prefix}/" if app.settings.route_prefix else ""
    base = f"http://{HOST}:{port}/{prefix}"
    lines = ["Functions:"]
    lines += [
        f"  {function.name}: [{','.join(function.methods)}] {base}{function.route.strip('/')}" for function in app.http
    ]
    lines += [f"  {name}: orchestrationTrigger" for name in app.orchestrators]
    lines += [f"  {name}: entityTrigger" for name in app.entities]
    lines += [f"  {name}: activityTrigger" for name in app.activities if name != HTTP_ACTIVITY]
    lines += [
        f"  {function.name}: {function.trigger['type']} {_source(function.trigger)}".rstrip()
        for function in app.queued.values()
    ]
    return lines


def _source(trigger: dict[str, object]) -> str:
    return next((str(trigger[name]) for name in ("schedule", "queueName", "path") if name in trigger), "")
