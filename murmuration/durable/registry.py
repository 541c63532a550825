"""Workflows and entities register themselves by a decorator; `function_app.py` deploys what is registered."""

import inspect
from collections.abc import Callable, Generator
from functools import wraps
from importlib import import_module
from pkgutil import iter_modules
from types import CodeType
from typing import Any, TypeAlias, TypeVar

from murmuration.contracts.base import Contract
from murmuration.durable.context import Context
from murmuration.durable.entities import Entity
from murmuration.durable.flow import Strand, conduct

Workflow: TypeAlias = Callable[[Context], Generator[Any, Any, Any]]
"""A generator function that the SDK drives."""
E = TypeVar("E", bound=Entity)

WORKFLOWS: dict[str, Workflow] = {}
"""Every registered workflow, by name."""
ENTITIES: dict[str, Entity] = {}
"""Every registered entity, by name."""


class RegistrationError(Exception):
    """A workflow or entity can't be registered; the message names it, and its file and line."""


def workflow(function: Callable[[Context], Strand[Any]]) -> Workflow:
    """Register a generator function as the workflow of its own name; raises `RegistrationError`.

    It waits by `yield from`, for what `murmuration.durable` offers, and returns a contract or another JSON value.
    """
    if not inspect.isgeneratorfunction(function):
        raise RegistrationError(f"{_where(function)} is no generator function: a workflow yields what it waits for")

    @wraps(function)
    def orchestrator(context: Context) -> Generator[Any, Any, Any]:
        result = yield from conduct(context, function(context))
        return result.model_dump(mode="json") if isinstance(result, Contract) else result

    _add(WORKFLOWS, orchestrator)
    return orchestrator


def entity(function: E) -> E:
    """Register a function as the entity of its own name; raises `RegistrationError`."""
    _add(ENTITIES, function)
    return function


def import_all(package: str) -> None:
    """Import every module below `package`, so that its workflows and entities register themselves."""
    for module in iter_modules(import_module(package).__path__, f"{package}."):
        if module.ispkg:
            import_all(module.name)
        else:
            import_module(module.name)


def _add(registered: dict[str, Any], function: Callable[..., Any]) -> None:
    other = registered.get(function.__name__)
    if other is not None and _code(other).co_filename != _code(function).co_filename:
        raise RegistrationError(f"{_where(function)} has the name of {_where(other)}: give it another")
    registered[function.__name__] = function


def _where(function: Callable[..., Any]) -> str:
    code = _code(function)
    return f"{function.__name__!r} ({code.co_filename}:{code.co_firstlineno})"


def _code(function: Callable[..., Any]) -> CodeType:
    code: CodeType = inspect.unwrap(function).__code__
    return code
