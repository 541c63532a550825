"""The app's HTTP functions, called as the Functions host calls them, and a Durable client that holds runs in memory."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from inspect import signature
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import azure.durable_functions as df
import azure.functions as func
from azure.durable_functions.models.DurableOrchestrationStatus import DurableOrchestrationStatus
from azure.durable_functions.models.EntityStateResponse import EntityStateResponse

from function_app import app

HOST = "http://127.0.0.1:7071"


@dataclass
class Run:
    """One run as Durable knows it."""

    name: str
    input: Any
    version: str | None
    runtime_status: str = "Running"
    output: Any = None
    custom_status: Any = None


@dataclass
class DurableRuns:
    """A Durable client without an engine: a run stays as it is until a test changes it."""

    runs: dict[str, Run] = field(default_factory=dict)
    bucket: Any = None
    """The state of the entity `token_bucket`."""
    signals: list[tuple[str, str, Any]] = field(default_factory=list)
    """The signals to entities: name, operation, input."""
    on_start: Callable[[Run], None] = lambda run: None
    """Called with every run that is started."""

    async def get_status(self, instance_id: str, show_input: bool = False) -> DurableOrchestrationStatus:
        run = self.runs.get(instance_id)
        if run is None:
            return DurableOrchestrationStatus()
        return DurableOrchestrationStatus(
            name=run.name,
            instanceId=instance_id,
            createdTime="2026-01-01T00:00:00Z",
            lastUpdatedTime="2026-01-01T00:00:09Z",
            input=json.dumps(run.input) if show_input else None,
            output=run.output,
            runtimeStatus=run.runtime_status,  # type: ignore[arg-type] # the SDK gets the name, too
            customStatus=run.custom_status,
        )

    async def start_new(self, name: str, instance_id: str, client_input: Any, version: str | None = None) -> str:
        run = self.runs[instance_id] = Run(name, json.loads(json.dumps(client_input)), version)
        self.on_start(run)
        return instance_id

    def get_client_response_links(self, _: func.HttpRequest, instance_id: str) -> dict[str, str]:
        return {"statusQueryGetUri": f"{HOST}/runtime/webhooks/durabletask/instances/{instance_id}"}

    async def read_entity_state(self, _: df.EntityId) -> EntityStateResponse:
        return EntityStateResponse(self.bucket is not None, self.bucket)

    async def signal_entity(self, entity: df.EntityId, operation: str, operation_input: Any) -> None:
        self.signals.append((entity.name, operation, operation_input))


@dataclass(frozen=True)
class Answer:
    """An HTTP response; the body as JSON."""

    status: int
    body: Any
    headers: dict[str, str]


@dataclass(frozen=True)
class Route:
    """One HTTP function of the app."""

    pattern: re.Pattern[str]
    methods: tuple[str, ...]
    auth_level: str
    handler: Callable[..., Any]
    takes_client: bool


@cache
def routes() -> list[Route]:
    """Return the HTTP functions of the deployed app."""
    found = []
    for function in app.get_functions():
        trigger = function.get_trigger()
        if trigger is None or trigger.get_binding_name() != "httpTrigger":
            continue
        binding = trigger.get_dict_repr()
        handler = function.get_user_function()
        takes_client = "client" in signature(handler).parameters
        pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", f"/api/{binding['route']}")
        methods = tuple(str(method) for method in binding["methods"])
        # The SDK wraps a function that takes a Durable client: it makes the client from the binding's text.
        handler = vars(handler)["__wrapped__"] if takes_client else handler
        found.append(Route(re.compile(pattern), methods, str(binding["authLevel"]), handler, takes_client))
    return found


@dataclass
class Api:
    """Calls the app's HTTP functions."""

    durable: DurableRuns

    async def __call__(self, method: str, url: str, body: Any = None, **headers: str) -> Answer:
        """Send `body`, as JSON unless it is bytes; underscores in the names of `headers` are hyphens."""
        path, query = urlsplit(url).path, urlsplit(url).query
        [(route, match)] = [
            (route, match)
            for route in routes()
            if method in route.methods and (match := route.pattern.fullmatch(path)) is not None
        ]
        request = func.HttpRequest(
            method=method,
            url=HOST + url,
            headers={"Content-Type": "application/json"} | {key.replace("_", "-"): headers[key] for key in headers},
            params=dict(parse_qsl(query, keep_blank_values=True)),
            route_params=match.groupdict(),
            body=body if isinstance(body, bytes) else json.dumps(body).encode(),
        )
        response = await (
            route.handler(req=request, client=self.durable) if route.takes_client else route.handler(req=request)
        )
        return Answer(response.status_code, json.loads(response.get_body()), dict(response.headers))
