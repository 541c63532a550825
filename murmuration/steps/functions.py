"""Activity functions for the rows of a table of steps, with what can be wrong about a row found at start."""

import ast
from collections.abc import Awaitable, Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import azure.durable_functions as df

from murmuration.contracts.steps import Step

RUN_CLIENTS = frozenset(("histories",))
"""Parameters that are made from the Durable client."""


class StepMisconfigured(Exception):
    """A row and its file don't fit; the message names both."""


def steps_blueprint(steps: Sequence[Step[Any, Any]]) -> df.Blueprint:
    """An activity function for every step; raises `StepMisconfigured`."""
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
    folder = Path(next(iter(import_module(step.package).__path__)))
    path = folder / f"{step.name}.py"
    if not path.is_file():
        raise StepMisconfigured(f"step {step.name!r} has no file: write {step.package}/{step.name}.py")
    # The file is read and not imported: its clients are loaded by the first call, not at start.
    definitions = ast.parse(path.read_text(encoding="utf-8")).body
    function = next(
        (node for node in definitions if isinstance(node, ast.AsyncFunctionDef) and node.name == step.name), None
    )
    if function is None:
        raise StepMisconfigured(f"step {step.name!r}: {step.package}/{step.name}.py has no `async def {step.name}`")
    needs = {argument.arg for argument in (*function.args.args, *function.args.kwonlyargs)}
    if needs & RUN_CLIENTS and not step.controls_runs:
        names = ", ".join(sorted(needs & RUN_CLIENTS))
        raise StepMisconfigured(
            f"step {step.name!r}: {step.package}/{step.name}.py takes {names}, made from the Durable client: "
            "set controls_runs=True in its row"
        )


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
