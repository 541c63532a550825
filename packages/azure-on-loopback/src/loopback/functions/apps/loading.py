"""Loads a Python v2-model app from its folder, through azure.functions' own index."""

import importlib.util
import os
import re
import sys
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import azure.functions as func
from azure.functions.durable_functions import ActivityTriggerConverter
from azure.functions.meta import Datum

from loopback.functions.apps import bindings
from loopback.functions.apps.call_function import Call, Caller
from loopback.functions.apps.host_settings import HostSettings
from loopback.functions.apps.retries import RetryPolicy, read_retry_policy
from loopback.functions.http.routes import Route
from loopback.functions.threads import DaemonThreads
from loopback.serving import CannotStart

ALL_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
SYNC_THREADS = 32
"""Of functions that are not asynchronous; the setting PYTHON_THREADPOOL_THREAD_COUNT says otherwise."""


@dataclass(frozen=True)
class HttpFunction:
    name: str
    route: Route
    methods: tuple[str, ...]
    level: str
    """anonymous, function or admin"""
    parameter: str
    call: Call


@dataclass(frozen=True)
class QueuedFunction:
    """A function that a timer, a message, a blob or an event starts."""

    name: str
    trigger: dict[str, Any]
    """The trigger as in function.json, with the app's settings put in."""
    retry: RetryPolicy | None
    call: Call


@dataclass
class LoadedApp:
    """An app's functions by kind, ready to be called."""

    folder: Path
    settings: HostSettings
    http: list[HttpFunction] = field(default_factory=list)
    orchestrators: dict[str, Callable[[str], str]] = field(default_factory=dict)
    activities: dict[str, Callable[[str], Coroutine[Any, Any, str | None]]] = field(default_factory=dict)
    entities: dict[str, Callable[[str], str]] = field(default_factory=dict)
    """By their names in lower case."""
    queued: dict[str, QueuedFunction] = field(default_factory=dict)
    client_binding: Callable[[], str] = field(init=False)
    """Returns the JSON of a durableClient binding; the host sets it, as it knows its own address."""


def load(folder: Path, settings: HostSettings) -> LoadedApp:
    """Load the app of `folder`, from within it (see `app_folder.inside`); raises `CannotStart` with the place."""
    app = LoadedApp(folder, settings)
    caller = Caller(folder, settings.function_timeout, DaemonThreads(_sync_threads(), "function"))
    seen: set[str] = set()
    for function in _functions(folder):
        name = function.get_function_name()
        if name.casefold() in seen:
            raise CannotStart(f"two functions are named {name!r} in {str(folder)!r}")
        seen.add(name.casefold())
        _add(app, function, name, caller)
    return app


def _sync_threads() -> int:
    given = os.environ.get("PYTHON_THREADPOOL_THREAD_COUNT", str(SYNC_THREADS))
    if not given.isdigit() or int(given) < 1:
        raise CannotStart(f"the setting PYTHON_THREADPOOL_THREAD_COUNT is to be a number from 1 on, not {given!r}")
    return int(given)


def _functions(folder: Path) -> list[Any]:
    path = folder / "function_app.py"
    if not path.exists():
        raise CannotStart(f"{str(folder)!r} is no function app: it has no function_app.py")
    spec = importlib.util.spec_from_file_location("function_app", path)
    assert spec is not None  # noqa: S101 - a path that ends in .py always has one
    assert spec.loader is not None  # noqa: S101
    module = importlib.util.module_from_spec(spec)
    sys.modules["function_app"] = module
    try:
        spec.loader.exec_module(module)
        apps = [var for var in vars(module).values() if isinstance(var, func.FunctionRegister)]
        if len(apps) != 1:
            raise CannotStart(f"{str(path)!r} must hold one FunctionApp, it holds {len(apps)}")
        return list(apps[0].get_functions())
    except CannotStart:
        raise
    except (Exception, SystemExit) as error:
        raise CannotStart(f"{str(path)!r} can't be loaded: {type(error).__name__}: {error}{_where(error)}") from error


def _where(error: BaseException) -> str:
    """The line of the app's code that raised; a SyntaxError says it itself."""
    trace = error.__traceback__ if not isinstance(error, SyntaxError) else None
    last = ""
    while trace is not None:
        last = f" (line {trace.tb_lineno} of {Path(trace.tb_frame.f_code.co_filename).name})"
        trace = trace.tb_next
    return last


def _add(app: LoadedApp, function: Any, name: str, caller: Caller) -> None:
    trigger = function.get_trigger()
    bindings.check(name, trigger.type, trigger=True)
    for binding in function.get_bindings():
        if binding is not trigger:
            bindings.check(name, binding.type, trigger=False)
    clients = [get_binding.name for get_binding in function.get_bindings() if get_binding.type == "durableClient"]
    known = {key: _with_settings(value, name) for key, value in trigger.get_dict_repr().items()}
    plain = caller.of(function.get_user_function(), name)

    async def call(arguments: dict[str, Any]) -> Any:
        return await plain({**arguments, **{client: app.client_binding() for client in clients}})

    match trigger.type:
        case "orchestrationTrigger":
            app.orchestrators[known.get("orchestration") or name] = function.get_user_function()
        case "entityTrigger":
            app.entities[(known.get("entityName") or name).lower()] = function.get_user_function()
        case "activityTrigger":
            app.activities[known.get("activity") or name] = _activity(call, trigger.name)
        case "httpTrigger":
            app.http.append(_http(app, name, known, call))
        case _:
            app.queued[name] = QueuedFunction(name, known, _retry(name, function), call)


def _with_settings(value: Any, function: str) -> Any:
    """`%NAME%` in a trigger's text stands for a setting."""
    if not isinstance(value, str):
        return value

    def setting(found: re.Match[str]) -> str:
        try:
            return os.environ[found[1]]
        except KeyError as error:
            raise CannotStart(f"function {function!r}: {value!r} names a setting that is not set") from error

    return re.sub(r"%([^%]+)%", setting, value)


def _http(app: LoadedApp, name: str, trigger: dict[str, Any], call: Call) -> HttpFunction:
    methods = tuple(str(getattr(each, "value", each)).upper() for each in trigger.get("methods") or ALL_METHODS)
    level = trigger.get("authLevel") or "function"
    template = name if trigger.get("route") is None else trigger["route"]
    try:
        route = Route(app.settings.route_prefix, template)
    except ValueError as error:
        raise CannotStart(f"function {name!r}: {error}") from error
    return HttpFunction(name, route, methods, str(getattr(level, "value", level)).lower(), trigger["name"], call)


def _retry(name: str, function: Any) -> RetryPolicy | None:
    given = function.get_settings_dict("retry_policy")
    try:
        return read_retry_policy(given) if given else None
    except ValueError as error:
        raise CannotStart(f"function {name!r}: {error}") from error


def _activity(call: Call, parameter: str) -> Callable[[str], Coroutine[Any, Any, str | None]]:
    async def activity(given: str) -> str | None:
        value = ActivityTriggerConverter.decode(Datum(given, "json"), trigger_metadata={})
        result = await call({parameter: value})
        encoded = ActivityTriggerConverter.encode(result, expected_type=None)
        return None if encoded.value is None else str(encoded.value)

    return activity
