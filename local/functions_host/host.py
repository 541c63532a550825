"""The host: an app, its store, its engine and its web server, as one."""

import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from local.functions_host import shown
from local.functions_host.addresses import Addresses
from local.functions_host.app import LoadedApp, load
from local.functions_host.built_in_http import call_http
from local.functions_host.clock import Clock, SystemClock
from local.functions_host.database import Database
from local.functions_host.engine import Engine, say
from local.functions_host.entities import Entities
from local.functions_host.entity_api import EntityApi
from local.functions_host.http_functions import MAX_BODY_BYTES, HttpFunctions
from local.functions_host.instances import Instances
from local.functions_host.invocations import Invocations
from local.functions_host.keys import Keys
from local.functions_host.management import Management
from local.functions_host.protocol import HTTP_ACTIVITY
from local.functions_host.sdk import close_client, quicken
from local.functions_host.store import Store
from local.functions_host.webhooks import Webhooks
from local.serving import HOST, LISTENING, writable_folder


@dataclass(frozen=True)
class Options:
    """How a host is run."""

    data: Path
    """All that it keeps is in this folder."""
    auth: bool = False
    """Whether access keys count."""
    clock: Clock = field(default_factory=SystemClock)


async def make_app(folder: Path, options: Options) -> web.Application:
    """The web application of a host that runs the app of `folder`.

    Work begins when it listens, and what is under way is let go when it is cleaned up. Raises `CannotStart`.
    """
    quicken()
    holder: list[Addresses] = []
    app = load(folder, lambda: holder[0].client_binding())
    app.activities[HTTP_ACTIVITY] = call_http
    data = writable_folder(options.data)
    keys = Keys(data, [each.name for each in app.http], enforced=options.auth)
    addresses = Addresses(app.settings.hub_name, keys)
    holder.append(addresses)
    database = Database(data)
    store = Store(database)
    entities = Entities(database, store, options.clock)
    engine = Engine(Instances(store, entities, options.clock, app.settings.default_version), app)
    invocations = Invocations(database, options.clock, app, data / "blobs")

    web_app = web.Application(client_max_size=MAX_BODY_BYTES, middlewares=[_errors])
    web_app.add_routes(Management(engine, list(app.orchestrators), addresses, keys).routes())
    web_app.add_routes(EntityApi(engine, list(app.entities), addresses, keys).routes())
    web_app.add_routes(Webhooks(app, invocations, keys).routes())
    web_app.router.add_route("*", "/{path:.*}", HttpFunctions(app.http, keys).serve)

    def begin(port: int) -> None:
        addresses.origin = f"http://{HOST}:{port}"
        engine.start()
        invocations.start()

    async def end(_: web.Application) -> None:
        await invocations.stop()
        await engine.stop()
        await close_client()
        database.close()

    web_app[LISTENING] = begin
    web_app.on_cleanup.append(end)
    web_app[LOADED] = app
    return web_app


LOADED: web.AppKey[LoadedApp] = web.AppKey("loaded", LoadedApp)
TOO_LARGE = 413
OWN_PATHS = ("/runtime/", "/admin/", "/durabletask")


@web.middleware
async def _errors(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """The host's own endpoints answer with JSON, whatever goes wrong."""
    try:
        return await handler(request)
    except web.HTTPException as problem:
        if problem.content_type == "application/json" or not request.path.lower().startswith(OWN_PATHS):
            raise
        limit = f"; a body has at most {MAX_BODY_BYTES} bytes" if problem.status == TOO_LARGE else ""
        return shown.error(problem.status, f"{problem.reason}: {request.method} {request.path}{limit}")
    except Exception:  # noqa: BLE001 - a defect of the host; its trace is for who runs it
        say(traceback.format_exc())
        return shown.error(500, "Something went wrong while processing your request")


def described(app: LoadedApp, port: int) -> list[str]:
    """The functions as `func start` lists them."""
    prefix = f"{app.settings.route_prefix}/" if app.settings.route_prefix else ""
    base = f"http://{HOST}:{port}/{prefix}"
    lines = ["Functions:"]
    lines += [f"  {each.name}: [{','.join(each.methods)}] {base}{each.route.template}" for each in app.http]
    lines += [f"  {name}: orchestrationTrigger" for name in app.orchestrators]
    lines += [f"  {name}: entityTrigger" for name in app.entities]
    lines += [f"  {name}: activityTrigger" for name in app.activities if name != HTTP_ACTIVITY]
    lines += [f"  {each.name}: {each.trigger['type']} {_about(each.trigger)}".rstrip() for each in app.queued.values()]
    return lines


def _about(trigger: dict[str, object]) -> str:
    return next((str(trigger[name]) for name in ("schedule", "queueName", "path") if name in trigger), "")
