"""Workflows and entities register themselves by a decorator; `function_app.py` deploys what is registered."""

import inspect
from collections.abc import Callable, Coroutine, Generator, Sequence
from importlib import import_module
from pkgutil import iter_modules
from types import CodeType
from typing import Any, TypeAlias, TypeVar, get_type_hints, overload

from pydantic import ValidationError

from murmuration.contracts.base import Contract
from murmuration.durable.context import Context, workflow_version
from murmuration.durable.driver import orchestrate
from murmuration.durable.entities import Entity
from murmuration.durable.errors import WorkflowError
from murmuration.durable.versions import VERSIONS, check_version
from murmuration.durable.workflow import Flow

Function: TypeAlias = Callable[[Flow, Any], Coroutine[Any, Any, Contract]]
Orchestrator: TypeAlias = Callable[[Context], Generator[Any, Any, Any]]
"""An orchestrator function as the SDK drives it."""
E = TypeVar("E", bound=Entity)

WORKFLOWS: dict[str, Orchestrator] = {}
"""Every registered workflow, by name."""
ENTITIES: dict[str, Entity] = {}
"""Every registered entity, by name."""


class RegistrationError(Exception):
    """A workflow or entity can't be registered; the message names it, its file and line, and what to do."""


@overload
def workflow(function: Function, /) -> Orchestrator: ...


@overload
def workflow(*, version: str, earlier: Sequence[str] = ()) -> Callable[[Function], Orchestrator]: ...


def workflow(
    function: Function | None = None, /, *, version: str | None = None, earlier: Sequence[str] = ()
) -> Orchestrator | Callable[[Function], Orchestrator]:
    """Register `async def NAME(flow: Flow, input: Contract) -> Contract` as the workflow of its own name.

    It is started as `version`, or as `defaultVersion` of host.json. A workflow that names its version refuses runs of
    any other that is not among the `earlier` ones, for which it branches on `flow.version`.
    Returns the generator that the SDK drives. Raises `RegistrationError`.
    """
    if function is None:
        return lambda function: _register(function, version, earlier)
    return _register(function, version, earlier)


def _register(function: Function, version: str | None, earlier: Sequence[str]) -> Orchestrator:
    _check_coroutine(function)
    takes, returns = _contracts(function)
    known = () if version is None else (version, *earlier)

    def orchestrator(context: Context) -> Generator[Any, Any, Any]:
        check_version(function.__name__, workflow_version(context), known)
        value = _read_input(context, function.__name__, takes)

        async def main(flow: Flow) -> Any:
            result = await function(flow, value)
            if not isinstance(result, returns):
                kinds = f"{type(result).__name__}, not {returns.__name__}"
                raise WorkflowError("wrong_result", f"{function.__name__} returned {kinds}")
            return result.model_dump(mode="json")

        return (yield from orchestrate(context, function.__name__, main))

    orchestrator.__name__ = orchestrator.__qualname__ = function.__name__
    orchestrator.__module__ = function.__module__
    orchestrator.__doc__ = function.__doc__
    orchestrator.__wrapped__ = function  # type: ignore[attr-defined] # for `inspect.unwrap`
    _add(WORKFLOWS, orchestrator)
    if version is not None:
        VERSIONS[function.__name__] = version
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


def _check_coroutine(function: Function) -> None:
    name = function.__name__
    if inspect.isasyncgenfunction(function):
        raise RegistrationError(f"{_where(function)} has a yield: a workflow awaits what it waits for")
    if not inspect.iscoroutinefunction(function):
        kind = "a generator" if inspect.isgeneratorfunction(function) else "no coroutine function"
        raise RegistrationError(f"{_where(function)} is {kind}: write async def {name}(flow, input)")


def _contracts(function: Function) -> tuple[type[Contract], type[Contract]]:
    try:
        hints = get_type_hints(function)
    except NameError as error:
        raise RegistrationError(f"{_where(function)} has an annotation that can't be read: {error}") from error
    parameters = list(inspect.signature(function).parameters)
    flow, takes = (hints.get(name) for name in parameters) if len(parameters) == 2 else (None, None)
    returns = hints.get("return")
    if not (flow is Flow and _is_contract(takes) and _is_contract(returns)):
        raise RegistrationError(
            f"{_where(function)} must take a Flow and a Contract and return a Contract: annotate all three"
        )
    return takes, returns  # type: ignore[return-value] # both were checked


def _is_contract(annotation: object) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, Contract)


def _read_input(context: Context, name: str, takes: type[Contract]) -> Contract:
    try:
        return takes.model_validate(context.get_input())
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        problem = f"{'.'.join(map(str, first['loc'])) or 'the input'}: {first['msg']}"
    except (TypeError, ValueError):  # the SDK reads objects alone
        problem = "the input: Input should be a valid dictionary"
    raise WorkflowError("wrong_input", f"{name} takes {takes.__name__}: {problem}")


def _add(registered: dict[str, Any], function: Callable[..., Any]) -> None:
    """Raise `RegistrationError` for a second function of the name; a module that is loaded again registers anew."""
    other = registered.get(function.__name__)
    if other is not None and (_file(other) != _file(function) or _is_of_same_load(other, function)):
        raise RegistrationError(f"{_where(function)} has the name of {_where(other)}: give it another")
    registered[function.__name__] = function


def _where(function: Callable[..., Any]) -> str:
    code = _code(function)
    return f"{function.__name__!r} ({code.co_filename}:{code.co_firstlineno})"


def _file(function: Callable[..., Any]) -> str:
    return _code(function).co_filename


def _is_of_same_load(function: Callable[..., Any], other: Callable[..., Any]) -> bool:
    namespaces = [inspect.unwrap(loaded).__globals__ for loaded in (function, other)]
    return namespaces[0] is namespaces[1] and _code(function).co_firstlineno != _code(other).co_firstlineno


def _code(function: Callable[..., Any]) -> CodeType:
    code: CodeType = inspect.unwrap(function).__code__
    return code
