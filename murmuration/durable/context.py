"""A workflow's clock, id, input and status: the same in every replay."""

from datetime import datetime
from typing import Any, TypeAlias, TypeVar

from azure.durable_functions import DurableOrchestrationContext

from murmuration.contracts.base import Contract

C = TypeVar("C", bound=Contract)

Context: TypeAlias = DurableOrchestrationContext


def now(context: Context) -> datetime:
    """Return the time by the workflow's clock: the beginning of the episode, in UTC."""
    time: datetime = context.current_utc_datetime
    return time


def instance_id(context: Context) -> str:
    """Return the id under which Durable knows this run."""
    return str(context.instance_id)


def workflow_version(context: Context) -> str:
    """Return the version under which Durable runs this workflow; empty when the app has none."""
    return context.version or ""


def read_input(context: Context, contract: type[C]) -> C:
    """Read the input of the run; raises `ValidationError` when the contract does not fit."""
    return contract.model_validate(context.get_input())


def set_status(context: Context, status: dict[str, Any]) -> None:
    """Show how far the run is. Durable takes at most 16 KB as JSON."""
    context.set_custom_status(status)
