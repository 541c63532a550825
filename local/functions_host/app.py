"""Loads a Python v2-model app from its folder, through azure.functions' own index."""

import asyncio
import importlib.util
import inspect
import json
import os
import sys
import uuid
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import azure.functions as func
from azure.functions.durable_functions import ActivityTriggerConverter
from azure.functions.meta import Datum

from local.serving import CannotStart

TRIGGERS = {"httpTrigger", "orchestrationTrigger", "activityTrigger"}
BINDINGS = {"http", "durableClient"}
SYNC_THREADS = 32


@dataclass(frozen=True)
class HttpFunction:
    name: str
    route: str
    methods: tuple[str, ...]
    invoke: Callable[[func.HttpRequest], Coroutine[Any, Any, Any]]


@dataclass
class LoadedApp:
    """An app's functions by kind, ready to be called."""

    folder: Path
    route_prefix: str
    http: list[HttpFunction] = field(default_factory=list)
    orchestrators: dict[str, Callable[[str], str]] = field(default_factory=dict)
    activities: dict[str, Callable[[str], Coroutine[Any, Any, str | None]]] = field(default_factory=dict)


class Context:
    """What a function's `context` parameter holds of azure.functions.Context."""

    def __init__(self, name: str, folder: Path) -> None:
        self.invocation_id = str(uuid.uuid4())
        self.function_name = name
        self.function_directory = str(folder)


def load(folder: Path, client_binding: Callable[[], str]) -> LoadedApp:
    """The app of `folder`; raises `CannotStart` that says where it can't be used.

    `client_binding` gives the JSON of a durableClient binding once the host has its address.
    """
    host = _json_of(folder / "host.json")
    settings = folder / "local.settings.json"
    if settings.exists():
        for key, value in _json_of(settings).get("Values", {}).items():
            os.environ.setdefault(key, str(value))
    prefix = host.get("extensions", {}).get("http", {}).get("routePrefix", "api")
    app = LoadedApp(folder=folder, route_prefix=prefix.strip("/"))
    threads = ThreadPoolExecutor(max_workers=SYNC_THREADS, thread_name_prefix="function")
    seen: set[str] = set()
    for function in _functions(folder):
        name = function.get_function_name()
        if name in seen:
            raise CannotStart(f"two functions are named {name!r} in {str(folder)!r}")
        seen.add(name)
        _add(app, function, name, client_binding, threads)
    return app


def _json_of(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise CannotStart(f"{str(path.parent)!r} is no function app: it has no {path.name}") from error
    except ValueError as error:
        raise CannotStart(f"{str(path)!r} is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise CannotStart(f"{str(path)!r} holds no JSON object")
    return found


def _functions(folder: Path) -> list[Any]:
    path = folder / "function_app.py"
    if not path.exists():
        raise CannotStart(f"{str(folder)!r} is no function app: it has no function_app.py")
    sys.path.insert(0, str(folder))
    spec = importlib.util.spec_from_file_location("function_app", path)
    assert spec is not None  # noqa: S101 - a path that ends in .py always has one
    assert spec.loader is not None  # noqa: S101
    module = importlib.util.module_from_spec(spec)
    sys.modules["function_app"] = module
    try:
        spec.loader.exec_module(module)
        apps = [each for each in vars(module).values() if isinstance(each, func.FunctionRegister)]
        if len(apps) != 1:
            raise CannotStart(f"{str(path)!r} must hold one FunctionApp, it holds {len(apps)}")
        return list(apps[0].get_functions())
    except CannotStart:
        raise
    except Exception as error:
        raise CannotStart(f"{str(path)!r} can't be loaded: {type(error).__name__}: {error}") from error


def _add(
    app: LoadedApp, function: Any, name: str, client_binding: Callable[[], str], threads: ThreadPoolExecutor
) -> None:
    trigger = function.get_trigger()
    clients = []
    for binding in function.get_bindings():
        kind = binding.type
        if binding is not trigger and kind not in BINDINGS:
            raise CannotStart(f"function {name!r}: the binding {kind!r} is not available on this host")
        if kind == "durableClient":
            clients.append(binding.name)
    if trigger.type not in TRIGGERS:
        raise CannotStart(f"function {name!r}: the trigger {trigger.type!r} is not available on this host")
    call = _caller(function.get_user_function(), name, app.folder, threads)
    if trigger.type == "orchestrationTrigger":
        app.orchestrators[trigger.orchestration or name] = function.get_user_function()
    elif trigger.type == "activityTrigger":
        app.activities[trigger.activity or name] = _activity(call, trigger.name)
    else:

        async def invoke(request: func.HttpRequest) -> Any:
            return await call({trigger.name: request, **{client: client_binding() for client in clients}})

        methods = tuple(str(getattr(each, "value", each)).upper() for each in trigger.methods or ("GET", "POST"))
        route = name if trigger.route is None else trigger.route
        app.http.append(HttpFunction(name, route.strip("/"), methods, invoke))


def _caller(
    function: Callable[..., Any], name: str, folder: Path, threads: ThreadPoolExecutor
) -> Callable[[dict[str, Any]], Coroutine[Any, Any, Any]]:
    takes_context = "context" in inspect.signature(function).parameters

    async def call(arguments: dict[str, Any]) -> Any:
        if takes_context and "context" not in arguments:
            arguments = {**arguments, "context": Context(name, folder)}
        if asyncio.iscoroutinefunction(function):
            return await function(**arguments)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(threads, lambda: function(**arguments))

    return call


def _activity(
    call: Callable[[dict[str, Any]], Coroutine[Any, Any, Any]], parameter: str
) -> Callable[[str], Coroutine[Any, Any, str | None]]:
    async def activity(given: str) -> str | None:
        value = ActivityTriggerConverter.decode(Datum(given, "json"), trigger_metadata={})
        result = await call({parameter: value})
        encoded = ActivityTriggerConverter.encode(result, expected_type=None)
        return None if encoded.value is None else str(encoded.value)

    return activity
