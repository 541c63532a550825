"""The Durable histories of runs: looked up, woken, stopped and purged through the Durable client."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from murmuration.services.errors import RetryLater

if TYPE_CHECKING:
    from azure.durable_functions import DurableOrchestrationClient

RECEIPTS = "forget"
"""The orchestrator whose histories hold the receipts: they stay."""

GATES = "-gate-"
"""The id of a gate is that of its run, this, and a number (`murmuration.policy.gates.gate_id`)."""

State = Literal["under_way", "completed", "broken"]


@dataclass(frozen=True)
class History:
    instance: str
    state: State
    """`broken`: it has ended, but not by itself, so that one of its steps may still be under way."""


class Histories(Protocol):
    """What activities need of the histories."""

    async def of_run(self, run: str) -> list[History]: ...

    async def of_tenant(self, tenant_key: str) -> list[History]: ...

    async def wake(self, instance: str, event: str) -> None: ...

    async def stop(self, instance: str) -> None: ...

    async def purge(self, instance: str) -> None: ...


class DurableHistories:
    """`Histories` of this app. Raises `RetryLater` when Durable can't be reached or answers what it should not."""

    def __init__(self, client: "DurableOrchestrationClient") -> None:
        self._client = client

    async def of_run(self, run: str) -> list[History]:
        """Of the run, and of the gates that it has opened; receipts are left out."""
        found = await self._beginning_with(run)
        return [each for each in found if each.instance == run or each.instance.startswith(f"{run}{GATES}")]

    async def of_tenant(self, tenant_key: str) -> list[History]:
        """The first of them, as many as Durable gives at once."""
        return await self._beginning_with(f"{tenant_key}-")

    async def wake(self, instance: str, event: str) -> None:
        """Raise the event that an instance under way waits for."""
        with _translated():
            await self._client.raise_event(instance, event, True)

    async def stop(self, instance: str) -> None:
        """It ends soon after; one that has ended is fine."""
        with _translated():
            await self._client.terminate(instance, "what it works on is being forgotten")

    async def purge(self, instance: str) -> None:
        """Of an instance that has ended; one that isn't there is fine."""
        with _translated():
            await self._client.purge_instance_history(instance)

    async def _beginning_with(self, prefix: str) -> list[History]:
        with _translated():
            found = await self._client.get_status_by(instance_id_prefix=prefix)
        return [
            History(str(each.instance_id), _state(each.runtime_status.name if each.runtime_status else "Pending"))
            for each in found
            if each.name != RECEIPTS
        ]


def _state(status: str) -> State:
    if status == "Completed":
        return "completed"
    return "broken" if status in ("Failed", "Terminated", "Canceled") else "under_way"


@contextmanager
def _translated() -> Iterator[None]:
    """The SDK's client raises a plain `Exception` for an answer it doesn't expect."""
    try:
        yield
    except Exception as error:
        raise RetryLater("durable_unavailable", "the histories of runs can't be reached") from error
