"""The management API for entities."""

import base64
import json
from typing import Any

from aiohttp import web

from loopback.functions.engine.engine import Engine
from loopback.functions.engine.entities import Entity, entity_id
from loopback.functions.http.errors import bad_request, error
from loopback.functions.http.keys import Keys
from loopback.functions.management import query
from loopback.functions.management.addresses import Addresses
from loopback.functions.management.durable_routes import durable_routes
from loopback.functions.protocol import MISSING_FUNCTION

EMPTY_KEY = "$"
"""Stands in a path for an entity whose key is empty."""


class EntityApi:
    """Reads, lists and signals entities."""

    def __init__(self, engine: Engine, names: list[str], addresses: Addresses, keys: Keys) -> None:
        self._engine = engine
        self._entities = engine.instances.entities
        self._names = names
        self._addresses = addresses
        self._keys = keys

    def routes(self) -> list[web.RouteDef]:
        handlers = [
            ("GET", "/entities", self.list),
            ("GET", "/entities/", self.list),
            ("GET", "/entities/{name}", self.list),
            ("GET", "/entities/{name}/{key}", self.read),
            ("POST", "/entities/{name}/{key}", self.signal),
            ("DELETE", "/entities/{name}/{key}", self.signal),
        ]
        return durable_routes(handlers, self._addresses, self._keys)

    async def read(self, request: web.Request) -> web.Response:
        entity = self._entities.read(self._entity_id(request))
        if not entity.exists:
            return web.Response(status=404)
        return web.json_response(text=entity.state or "null")

    async def signal(self, request: web.Request) -> web.Response:
        operation = "delete" if request.method == "DELETE" else request.query.get("op", "")
        input_json: str | None = None
        text = await request.text()
        if text:
            try:
                input_json = json.dumps(json.loads(text) if request.content_type == "application/json" else text)
            except ValueError as problem:
                return error(400, f"Could not parse JSON content: {problem}", problem)
        entity = self._entity_id(request)
        self._entities.signal(entity, operation, input_json)
        self._engine.wake(entity)
        return web.Response(status=202)

    async def list(self, request: web.Request) -> web.Response:
        top = query.page_size(request)
        updated = query.timestamp(request, "lastOperationTimeFrom"), query.timestamp(request, "lastOperationTimeTo")
        name = request.match_info.get("name", "")
        try:
            after = base64.urlsafe_b64decode(request.headers.get(query.TOKEN_HEADER, "")).decode()
        except ValueError as problem:
            return error(400, "The continuation token is not from this host.", problem)
        entities = self._entities.find(name=name, updated=updated, after=after, top=top)
        headers = {}
        if len(entities) == top:
            headers[query.TOKEN_HEADER] = base64.urlsafe_b64encode(entities[-1].id.encode()).decode()
        with_state = query.flag(request, "fetchState")
        return web.json_response([_body(entity, with_state=with_state) for entity in entities], headers=headers)

    def _entity_id(self, request: web.Request) -> str:
        name, key = request.match_info["name"], request.match_info["key"]
        if name.lower() not in self._names:
            known = ", ".join(f"'{known_name}'" for known_name in self._names)
            raise bad_request(
                f"{MISSING_FUNCTION.format(name, 'an entity function')}"
                f" Additional info: the following are the known entity functions: {known or '(none)'}."
            )
        return entity_id(name, "" if key == EMPTY_KEY else key)


def _body(entity: Entity, *, with_state: bool) -> dict[str, Any]:
    return {
        "entityId": {"name": entity.name, "key": entity.key},
        "lastOperationTime": entity.updated[:19] + "Z",
        "state": json.loads(entity.state or "null") if with_state else None,
    }
