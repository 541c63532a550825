"""The interface of a workflow: calls to await, values to read, and a status to set."""

import asyncio
import random
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, NoReturn

from azure.durable_functions import EntityId

from murmuration.contracts.base import Contract
from murmuration.durable import context as read
from murmuration.durable.context import Context
from murmuration.durable.errors import ContinueAsNew, Suspended
from murmuration.durable.loop import DurableLoop
from murmuration.durable.versions import version_of
from murmuration.durable.waits import Waits


def _nothing() -> None:
    """Nothing is to be done before waiting."""


class Flow:
    """A workflow's view of Durable. What it reads is the same in every replay."""

    def __init__(self, context: Context, loop: DurableLoop, waits: Waits) -> None:
        self._raw = context
        self._loop = loop
        self._waits = waits
        self._before_waiting: Callable[[], None] = _nothing

    @property
    def _context(self) -> Context:
        if self._loop.suspended:
            raise Suspended
        return self._raw

    @property
    def now(self) -> datetime:
        """The time by the orchestration's clock."""
        return read.now(self._raw)

    @cached_property
    def random(self) -> random.Random:
        """Random numbers, the same in every replay: the id of the run is their seed."""
        return random.Random(self.instance_id)  # noqa: S311

    @property
    def instance_id(self) -> str:
        """The id under which Durable knows this run."""
        return read.instance_id(self._raw)

    @property
    def version(self) -> str:
        """The version that the run was started with; empty when the app has none."""
        return read.workflow_version(self._raw)

    def uuid4(self) -> uuid.UUID:
        """A new UUID, the same in every replay."""
        return uuid.UUID(self._context.new_uuid())

    def activity(self, name: str, value: Any = None) -> asyncio.Future[Any]:
        """Call the activity `name`; await its result. Raises `DurableTaskFailed` when it broke.

        It is scheduled when the workflow next waits: a call made just before the return, and not awaited, is none.
        """
        return self._waits.leaf(self._context.call_activity(name, _json(value)))

    def sub_orchestration(self, name: str, value: Any = None, *, instance: str | None = None) -> asyncio.Future[Any]:
        """Start the workflow `name`; await its result. Raises `DurableTaskFailed` when it broke or was stopped."""
        return self._waits.leaf(self._context.call_sub_orchestrator(name, _json(value), instance, version_of(name)))

    def entity(self, name: str, key: str, operation: str, value: Any = None) -> asyncio.Future[Any]:
        """Call the entity; await its answer. Raises `DurableTaskFailed` when the operation broke."""
        return self._waits.leaf(self._context.call_entity(EntityId(name, key), operation, _json(value)))

    def signal(self, name: str, key: str, operation: str, value: Any = None) -> None:
        """Signal the entity and don't wait."""
        self._context.signal_entity(EntityId(name, key), operation, _json(value))

    async def event(self, name: str) -> Any:
        """Await the next external event of this name. Events that come early wait; each is taken once, in order."""
        if self._loop.suspended:
            raise Suspended
        return await self._waits.event(name)

    async def sleep(self, duration: timedelta) -> None:
        """Sleep on durable timers, for months if need be."""
        await asyncio.sleep(duration.total_seconds())

    def task_all(self, *calls: asyncio.Future[Any]) -> asyncio.Future[list[Any]]:
        """Await many calls at once: their results, or `DurableTaskFailed`s, in order, none lost.

        When nothing else is awaited it is one wake-up of the orchestrator, however many calls there are.
        """
        return self._waits.bulk(calls)

    def set_status(self, status: dict[str, Any]) -> None:
        """Show how far the run is. Durable takes at most 16 KB as JSON."""
        read.set_status(self._context, status)

    def on_wait(self, callback: Callable[[], None]) -> None:
        """Have `callback` called whenever the workflow has gone as far as it can: the place to publish a status."""
        self._before_waiting = callback

    def before_waiting(self) -> None:
        """Call what `on_wait` was given; for the driver."""
        self._before_waiting()

    def continue_as_new(self, value: Any) -> NoReturn:
        """Begin the workflow anew with another input and an empty history, once the tasks left running are over."""
        raise ContinueAsNew(_json(value))


def _json(value: Any) -> Any:
    return value.model_dump(mode="json") if isinstance(value, Contract) else value
