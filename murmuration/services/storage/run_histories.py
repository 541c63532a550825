"""The Durable histories of runs: looked up, woken, stopped and purged through the Durable client."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, Protocol

from azure.durable_functions import DurableOrchestrationClient

from murmuration.services.errors import RetryLater

RECEIPTS = "forget"
"""The orchestrator whose histories hold the receipts: they stay."""

GATES = "-gate-"
"""The id of an approval gate is that of its run, this, and a number (`murmuration.policy.gates.gate_id`)."""

State = Literal["under_way", "completed", "broken"]


@dataclass(frozen=True)
class History:
    """The history of one orchestration instance."""

    instance: str
    state: State
    """`broken`: it failed or was terminated or cancelled, so one of its steps may still be under way."""

    @property
    def under_way(self) -> bool:
        return self.state == "under_way"


class Histories(Protocol):
    """The histories as steps use them."""

    async def of_run(self, run: str) -> list[History]: ...

    async def of_tenant(self, tenant_key: str) -> list[History]: ...

    async def wake(self, instance: str, event: str) -> None: ...

    async def stop(self, instance: str) -> None: ...

    async def purge(self, instance: str) -> None: ...


class DurableHistories:
    """`Histories` of this app. Raises `RetryLater` when Durable can't be reached or gives an unexpected answer."""

    def __init__(self, client: DurableOrchestrationClient) -> None:
        self._client = client

    async def of_run(self, run: str) -> list[History]:
        """Return the histories of a run and of its approval gates; receipts are left out."""
        histories = await self._with_prefix(run)
        return [
            history for history in histories if history.instance == run or history.instance.startswith(f"{run}{GATES}")
        ]

    async def of_tenant(self, tenant_key: str) -> list[History]:
        """Return the first histories of a tenant, as many as Durable returns at once."""
        return await self._with_prefix(f"{tenant_key}-")

    async def wake(self, instance: str, event: str) -> None:
        """Raise the event that an instance under way waits for."""
        with _durable_errors():
            await self._client.raise_event(instance, event, True)

    async def stop(self, instance: str) -> None:
        """Terminate an instance, which ends soon after; one that has ended stays as it is."""
        with _durable_errors():
            await self._client.terminate(instance, "what it works on is being forgotten")

    async def purge(self, instance: str) -> None:
        """Delete the history of an ended instance; one that doesn't exist is skipped."""
        with _durable_errors():
            await self._client.purge_instance_history(instance)

    async def _with_prefix(self, prefix: str) -> list[History]:
        with _durable_errors():
            statuses = await self._client.get_status_by(instance_id_prefix=prefix)
        return [
            History(str(status.instance_id), _state(status.runtime_status.name if status.runtime_status else "Pending"))
            for status in statuses
            if status.name != RECEIPTS
        ]


def _state(status: str) -> State:
    if status == "Completed":
        return "completed"
    return "broken" if status in ("Failed", "Terminated", "Canceled") else "under_way"


@contextmanager
def _durable_errors() -> Iterator[None]:
    """Turn the plain `Exception` that the SDK raises for an unexpected answer into `RetryLater`."""
    try:
        yield
    except Exception as error:
        raise RetryLater("durable_unavailable", "the histories of runs can't be reached") from error
