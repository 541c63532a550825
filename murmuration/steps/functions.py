"""Makes an activity function of every step, and checks at start that the step's row fits its file."""

import ast
from collections.abc import Awaitable, Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import azure.durable_functions as df

from murmuration.contracts.steps import Step

RUN_CLIENTS = frozenset(("histories",))
"""Names of parameters whose clients are made from the Durable client."""


class StepMisconfigured(Exception):
    """A step's row and its file don't fit; the message names both."""


def steps_blueprint(steps: Sequence[Step[Any, Any]]) -> df.Blueprint:
    """Return a blueprint with an activity function for every step; raises `StepMisconfigured`."""
    blueprint = df.Blueprint()
    for step in steps:
        check_step(step)
        function = _activity(step)
        if step.controls_runs:
            function = blueprint.durable_client_input(client_name="client")(function)
        blueprint.activity_trigger(input_name="message", activity=step.name)(function)
    return blueprint


def check_step(step: Step[Any, Any]) -> None:
    """Raise `StepMisconfigured` unless `<package>/<name>.py` defines the step and the row says what it needs."""
    file = f"{step.package}/{step.name}.py"
    function = _definition(step, file)
    needs = {argument.arg for argument in (*function.args.args, *function.args.kwonlyargs)}
    if needs & RUN_CLIENTS and not step.controls_runs:
        raise StepMisconfigured(
            f"step {step.name!r}: {file} takes {', '.join(sorted(needs & RUN_CLIENTS))}, made from the Durable client: "
            "set controls_runs=True in its row"
        )


def _definition(step: Step[Any, Any], file: str) -> ast.AsyncFunctionDef:
    """The step's function. Its file is read and not imported: the first call loads its clients, not the start."""
    try:
        folders = import_module(step.package).__path__
    except (ImportError, AttributeError) as error:
        raise StepMisconfigured(f"step {step.name!r}: {step.package!r} is no package: {error}") from error
    path = Path(next(iter(folders))) / f"{step.name}.py"
    if not path.is_file():
        raise StepMisconfigured(f"step {step.name!r} has no file: write {file}")
    try:
        definitions = ast.parse(path.read_text(encoding="utf-8")).body
    except SyntaxError as error:
        raise StepMisconfigured(f"step {step.name!r}: {file} is no Python: {error.msg} (line {error.lineno})") from None
    for node in definitions:
        if isinstance(node, ast.AsyncFunctionDef) and node.name == step.name:
            return node
    raise StepMisconfigured(f"step {step.name!r}: {file} has no `async def {step.name}`")


def _activity(step: Step[Any, Any]) -> Callable[..., Awaitable[dict[str, Any]]]:
    async def run(message: dict[str, Any]) -> dict[str, Any]:
        from murmuration.steps.runner import run_step  # the clients behind it are loaded by the first call

        return await run_step(step, message)

    async def run_with_client(message: dict[str, Any], client: Any) -> dict[str, Any]:
        from murmuration.steps.runner import run_step

        return await run_step(step, message, client)

    function: Callable[..., Awaitable[dict[str, Any]]] = run_with_client if step.controls_runs else run
    function.__name__ = step.name
    function.__annotations__ = {"message": dict, "return": dict}  # the Functions worker takes plain types only
    return function
