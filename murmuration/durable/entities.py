"""Entities: operations that Durable performs one after the other, each a pure function of state and input."""

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from azure.durable_functions import DurableEntityContext

from murmuration.contracts.base import Contract

EntityContext: TypeAlias = DurableEntityContext
Entity: TypeAlias = Callable[[EntityContext], None]
Operation: TypeAlias = Callable[[Any, Any], tuple[Contract, Contract | None]]
"""(state, input) -> (state, answer). The state before the first operation is None; both arguments are JSON values."""


def perform(context: EntityContext, operations: Mapping[str, Operation]) -> None:
    """Perform the operation that was called; raises `LookupError` for one that the entity doesn't have."""
    operation = operations.get(str(context.operation_name))
    if operation is None:
        raise LookupError(f"no operation {context.operation_name!r}")
    state, answer = operation(context.get_state(), _input(context))
    context.set_state(state.model_dump(mode="json"))
    context.set_result(None if answer is None else answer.model_dump(mode="json"))


def _input(context: EntityContext) -> Any:
    """The input: a client sends it as JSON text, an orchestrator as a value."""
    value = context.get_input()
    return json.loads(value) if isinstance(value, str) else value
