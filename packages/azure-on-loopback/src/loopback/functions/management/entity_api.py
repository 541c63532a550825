"""The management API for entities over HTTP, as the extension serves it."""

import base64
import json
from typing import Any

from aiohttp import web

from loopback.functions.engine.engine import Engine
from loopback.functions.engine.entities import Entity, entity_id
from loopback.functions.http.keys import Keys
from loopback.functions.management import views as shown
from loopback.functions.management.addresses import Addresses
from loopback.functions.management.orchestrations import durable_routes

EMPTY_KEY = "$"
"""Stands in a path for an entity whose key is empty."""


class EntityApi:
    def __init__(self, engine: Engine, names: list[str], addresses: Addresses, keys: Keys) -> None:
        self._engine = engine
        self._entities = engine.instances.entities
        self._names = names
        self._addresses = addresses
        self._keys = keys

    def routes(self) -> list[web.RouteDef]:
        found = [
            ("GET", "/entities", self.list),
            ("GET", "/entities/", self.list),
            ("GET", "/entities/{name}", self.list),
            ("GET", "/entities/{name}/{key}", self.read),
            ("POST", "/entities/{name}/{key}", self.signal),
            ("DELETE", "/entities/{name}/{key}", self.signal),
        ]
        return durable_routes(found, self._addresses, self._keys)

    async def read(self, request: web.Request) -> web.Response:
        entity = self._entities.read(self._asked(request))
        if not entity.exists:
            return web.Response(status=404)
        return web.json_response(text=entity.state or "null")

    async def signal(self, request: web.Request) -> web.Response:
        operation = "delete" if request.method == "DELETE" else request.query.get("op", "")
        given: str | None = None
        text = await request.text()
        if text:
            try:
                given = json.dumps(json.loads(text) if request.content_type == "application/json" else text)
            except ValueError as problem:
                return shown.error(400, f"Could not parse JSON content: {problem}", problem)
        entity = self._asked(request)
        self._entities.signal(entity, operation, given)
        self._engine.wake(entity)
        return web.Response(status=202)

    async def list(self, request: web.Request) -> web.Response:
        top = shown.top(request)
        updated = shown.moment(request, "lastOperationTimeFrom"), shown.moment(request, "lastOperationTimeTo")
        name = request.match_info.get("name", "")
        try:
            after = base64.urlsafe_b64decode(request.headers.get(shown.TOKEN_HEADER, "")).decode()
        except ValueError as problem:
            return shown.error(400, "The continuation token is not one of this host.", problem)
        found = self._entities.find(name=name, updated=updated, after=after, top=top)
        headers = {}
        if len(found) == top:
            headers[shown.TOKEN_HEADER] = base64.urlsafe_b64encode(found[-1].id.encode()).decode()
        with_state = shown.flag(request, "fetchState")
        return web.json_response([_shown(each, with_state=with_state) for each in found], headers=headers)

    def _asked(self, request: web.Request) -> str:
        name, key = request.match_info["name"], request.match_info["key"]
        if name.lower() not in self._names:
            known = ", ".join(f"'{each}'" for each in self._names)
            raise shown.refuse(
                f"The function '{name}' doesn't exist, is disabled, or is not an entity function. "
                f"Additional info: the following are the known entity functions: {known or '(none)'}."
            )
        return entity_id(name, "" if key == EMPTY_KEY else key)


def _shown(entity: Entity, *, with_state: bool) -> dict[str, Any]:
    return {
        "entityId": {"name": entity.name, "key": entity.key},
        "lastOperationTime": entity.updated[:19] + "Z",
        "state": json.loads(entity.state or "null") if with_state else None,
    }
