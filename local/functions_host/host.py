"""The host: an app, its store, its engine and its web server, as one."""

from pathlib import Path

from aiohttp import web

from local.functions_host.app import LoadedApp, load
from local.functions_host.engine import Engine
from local.functions_host.http_functions import MAX_BODY_BYTES, HttpFunctions
from local.functions_host.instances import Clock, Instances, SystemClock
from local.functions_host.management import Management
from local.functions_host.store import Store
from local.serving import HOST, writable_folder

ACTIVITIES_AT_ONCE = 100


async def make_app(folder: Path, data: Path, *, clock: Clock | None = None) -> web.Application:
    """The web application of a host that runs the app of `folder` with its state in `data`.

    Work begins when the application starts, and what is under way is let go when it is cleaned up.
    """
    holder: list[Management] = []
    app = load(folder, lambda: holder[0].client_binding())
    store = Store(writable_folder(data))
    engine = Engine(
        Instances(store, clock or SystemClock()),
        app.orchestrators,
        app.activities,
        activities_at_once=ACTIVITIES_AT_ONCE,
    )
    management = Management(engine, list(app.orchestrators))
    holder.append(management)
    web_app = web.Application(client_max_size=MAX_BODY_BYTES)
    web_app.add_routes(management.routes())
    web_app.router.add_get("/admin/host/status", _running)
    web_app.router.add_route("*", "/{path:.*}", HttpFunctions(app).serve)

    @web.middleware
    async def know_origin(request: web.Request, handler: object) -> web.StreamResponse:
        if request.transport is not None:
            management.origin = f"http://{HOST}:{request.transport.get_extra_info('sockname')[1]}"
        return await handler(request)  # type: ignore[operator,no-any-return]

    web_app.middlewares.append(know_origin)

    async def begin(_: web.Application) -> None:
        engine.start()

    async def end(_: web.Application) -> None:
        await engine.stop()
        store.close()

    web_app.on_startup.append(begin)
    web_app.on_cleanup.append(end)
    web_app[LOADED] = app
    return web_app


LOADED: web.AppKey[LoadedApp] = web.AppKey("loaded", LoadedApp)


async def _running(_: web.Request) -> web.Response:
    return web.json_response({"state": "Running"})


def described(app: LoadedApp, port: int) -> list[str]:
    """The functions as `func start` lists them."""
    prefix = f"{app.route_prefix}/" if app.route_prefix else ""
    lines = ["Functions:"]
    base = f"http://{HOST}:{port}/{prefix}"
    lines += [f"  {each.name}: [{','.join(each.methods)}] {base}{each.route}" for each in app.http]
    lines += [f"  {name}: orchestrationTrigger" for name in app.orchestrators]
    lines += [f"  {name}: activityTrigger" for name in app.activities]
    return lines
