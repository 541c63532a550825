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
from loopback.functions.apps.call_function import Call, FunctionCaller
from loopback.functions.apps.host_settings import HostSettings
from loopback.functions.apps.retry_policy import RetryPolicy, read_retry_policy
from loopback.functions.threads import DaemonThreads
from loopback.serving import CannotStart

ALL_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
THREADS_SETTING = "PYTHON_THREADPOOL_THREAD_COUNT"
DEFAULT_THREADS = 32
"""The threads for functions that are not asynchronous."""


@dataclass(frozen=True)
class HttpFunction:
    """A function with an HTTP trigger."""

    name: str
    route: str
    """The template, without the app's prefix."""
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
    """The trigger as in function.json, with the app's settings filled in."""
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
    """Entity functions by their names in lower case."""
    queued: dict[str, QueuedFunction] = field(default_factory=dict)
    client_binding: Callable[[], str] = field(init=False)
    """Returns the JSON of a durableClient binding. The host sets it, because it knows its own address."""


def load(folder: Path, settings: HostSettings) -> LoadedApp:
    """Load the app of `folder`; raises `CannotStart` that names the place of the mistake.

    Call it within `app_folder.inside(folder)`.
    """
    app = LoadedApp(folder, settings)
    caller = FunctionCaller(folder, settings.function_timeout, DaemonThreads(_thread_count(), "function"))
    names: set[str] = set()
    for function in _functions(folder):
        name = function.get_function_name()
        if name.casefold() in names:
            raise CannotStart(f"two functions are named {name!r} in {str(folder)!r}")
        names.add(name.casefold())
        _add(app, function, name, caller)
    return app


def _thread_count() -> int:
    count = os.environ.get(THREADS_SETTING, str(DEFAULT_THREADS))
    if not count.isdigit() or int(count) < 1:
        raise CannotStart(f"the setting {THREADS_SETTING} must be a whole number from 1 on, not {count!r}")
    return int(count)


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
        apps = [value for value in vars(module).values() if isinstance(value, func.FunctionRegister)]
        if len(apps) != 1:
            raise CannotStart(f"{str(path)!r} must hold one FunctionApp, it holds {len(apps)}")
        return list(apps[0].get_functions())
    except CannotStart:
        raise
    except (Exception, SystemExit) as error:
        raise CannotStart(f"{str(path)!r} can't be loaded: {type(error).__name__}: {error}{_line(error)}") from error


def _line(error: BaseException) -> str:
    """Name the line that raised; a SyntaxError names it itself."""
    trace = error.__traceback__ if not isinstance(error, SyntaxError) else None
    line = ""
    while trace is not None:
        line = f" (line {trace.tb_lineno} of {Path(trace.tb_frame.f_code.co_filename).name})"
        trace = trace.tb_next
    return line


def _add(app: LoadedApp, function: Any, name: str, caller: FunctionCaller) -> None:
    trigger = function.get_trigger()
    bindings.check(name, trigger.type, trigger=True)
    others = [binding for binding in function.get_bindings() if binding is not trigger]
    for binding in others:
        bindings.check(name, binding.type, trigger=False)
    clients = [binding.name for binding in others if binding.type == "durableClient"]
    fields = {key: _fill_in_settings(value, name) for key, value in trigger.get_dict_repr().items()}
    call_function = caller.wrap(function.get_user_function(), name)

    async def call(arguments: dict[str, Any]) -> Any:
        return await call_function({**arguments, **{client: app.client_binding() for client in clients}})

    match trigger.type:
        case "orchestrationTrigger":
            app.orchestrators[fields.get("orchestration") or name] = function.get_user_function()
        case "entityTrigger":
            app.entities[(fields.get("entityName") or name).lower()] = function.get_user_function()
        case "activityTrigger":
            app.activities[fields.get("activity") or name] = _activity(call, trigger.name)
        case "httpTrigger":
            app.http.append(_http(name, fields, call))
        case _:
            app.queued[name] = QueuedFunction(name, fields, _retry_policy(name, function), call)


def _fill_in_settings(value: Any, function: str) -> Any:
    """Replace each `%NAME%` in a trigger's text by the setting of that name."""
    if not isinstance(value, str):
        return value

    def setting(match: re.Match[str]) -> str:
        try:
            return os.environ[match[1]]
        except KeyError as error:
            raise CannotStart(f"function {function!r}: {value!r} names a setting that is not set") from error

    return re.sub(r"%([^%]+)%", setting, value)


def _http(name: str, trigger: dict[str, Any], call: Call) -> HttpFunction:
    methods = tuple(str(getattr(method, "value", method)).upper() for method in trigger.get("methods") or ALL_METHODS)
    level = trigger.get("authLevel") or "function"
    route = name if trigger.get("route") is None else trigger["route"]
    return HttpFunction(name, route, methods, str(getattr(level, "value", level)).lower(), trigger["name"], call)


def _retry_policy(name: str, function: Any) -> RetryPolicy | None:
    settings = function.get_settings_dict("retry_policy")
    try:
        return read_retry_policy(settings) if settings else None
    except ValueError as error:
        raise CannotStart(f"function {name!r}: {error}") from error


def _activity(call: Call, parameter: str) -> Callable[[str], Coroutine[Any, Any, str | None]]:
    async def activity(input_json: str) -> str | None:
        value = ActivityTriggerConverter.decode(Datum(input_json, "json"), trigger_metadata={})
        result = await call({parameter: value})
        encoded = ActivityTriggerConverter.encode(result, expected_type=None)
        return None if encoded.value is None else str(encoded.value)

    return activity
