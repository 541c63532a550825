"""The routes of the management API, each at two bases: the public webhooks, and the base of the SDK's client."""

from collections.abc import Awaitable, Callable, Sequence

from aiohttp import web

from loopback.functions.http.keys import Keys
from loopback.functions.http.paths import any_case
from loopback.functions.management.addresses import WEBHOOKS, Addresses

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def durable_routes(
    handlers: Sequence[tuple[str, str, Handler]], addresses: Addresses, keys: Keys
) -> list[web.RouteDef]:
    """Serve each (method, path, handler) at both bases; the webhooks need the extension's key."""

    def behind_key(handler: Handler) -> Handler:
        async def checked(request: web.Request) -> web.StreamResponse:
            keys.check_system(request, "durabletask_extension")
            return await handler(request)

        return checked

    return [
        web.route(method, base + any_case(path), handler if base == addresses.rpc else behind_key(handler))
        for base in (any_case(WEBHOOKS), addresses.rpc)
        for method, path, handler in handlers
    ]
