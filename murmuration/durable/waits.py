"""Waits of a workflow: leaf tasks of the SDK on one side, futures of its event loop on the other."""

import asyncio
import math
from collections import deque
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from murmuration.durable import sdk
from murmuration.durable.context import Context
from murmuration.durable.errors import DurableTaskFailed
from murmuration.durable.loop import DurableFuture, DurableLoop
from murmuration.durable.sdk import Leaf


class _EventQueue:
    """Values of one event name that nobody took yet, and the futures of those who wait for one, both in order.

    A waiter takes its value when it runs, so that one that is cancelled in between leaves it to the next.
    """

    def __init__(self) -> None:
        self.values: deque[Any] = deque()
        self.waiters: deque[DurableFuture] = deque()
        self.leaf: Leaf = None
        """The one open leaf of the name: the SDK serves several open waits last in, first out."""

    def wake(self) -> None:
        if self.values and self.waiters and not self.waiters[0].done():
            self.waiters[0].set_result(None)


class _Bulk:
    """A fan-out whose caller wakes only when all of its leaves are done."""

    def __init__(self, calls: Sequence[asyncio.Future[Any]], leaves: list[Leaf], future: DurableFuture) -> None:
        self.calls = calls
        self.leaves = leaves
        self.open = dict.fromkeys(leaves)
        self.future = future
        future.add_done_callback(self._cancel_calls)

    def _cancel_calls(self, future: asyncio.Future[Any]) -> None:
        if future.cancelled():  # as `gather` does
            for call in self.calls:
                call.cancel()

    def finish(self) -> None:
        """Give the results, if all are there."""
        self.open = {leaf: None for leaf in self.open if not sdk.is_done(leaf)}
        if self.open or self.future.done():
            return
        for call, leaf in zip(self.calls, self.leaves, strict=True):
            _settle(call, leaf)
            if not call.cancelled():
                call.exception()  # the failure is among the results: it is not lost when nobody awaits the call
        self.future.set_result([_failure_or_result(leaf) for leaf in self.leaves])


class Waits:
    """Every open leaf and the future that it resolves; one durable timer stands for the earliest of the loop's."""

    def __init__(self, context: Context, loop: DurableLoop) -> None:
        self._context = context
        self._loop = loop
        self._single: dict[Leaf, DurableFuture] = {}
        self._leaf_of: dict[DurableFuture, Leaf] = {}
        self._bulks: list[_Bulk] = []
        self._events: dict[str, _EventQueue] = {}
        self._timer: tuple[float, Leaf] | None = None
        self.failed: list[DurableFuture] = []
        """Calls that failed, whether or not somebody awaited them."""
        sdk.keep_early_events(context)

    def leaf(self, leaf: Leaf) -> DurableFuture:
        """The future of one leaf; it raises `DurableTaskFailed` when the leaf failed."""
        future = self._single[leaf] = self._loop.create_future()
        self._leaf_of[future] = leaf
        return future

    def bulk(self, futures: Sequence[asyncio.Future[Any]]) -> DurableFuture:
        """One future of many leaves: their results, or exceptions, in order. Raises `TypeError` for other futures."""
        unknown = [future for future in futures if future not in self._leaf_of]
        if unknown:
            raise TypeError(f"task_all takes what flow.activity and its like return, not {unknown[0]!r}")
        leaves = [self._leaf_of[future] for future in futures]  # type: ignore[index]
        together = self._loop.create_future()
        bulk = _Bulk(futures, leaves, together)
        for leaf in leaves:
            self._single.pop(leaf, None)
        self._bulks.append(bulk)
        bulk.finish()
        return together

    async def event(self, name: str) -> Any:
        """Wait for the next event of this name. Nothing is lost when a wait is cancelled: the next one gets it."""
        queue = self._events.setdefault(name, _EventQueue())
        turn = self._loop.create_future()
        queue.waiters.append(turn)
        queue.wake()
        try:
            await turn
            return queue.values.popleft()
        finally:
            queue.waiters.remove(turn)
            queue.wake()

    def _event_leaves(self) -> list[Leaf]:
        waited_for = {name: queue for name, queue in self._events.items() if queue.waiters}
        for name, queue in waited_for.items():
            if queue.leaf is None:
                queue.leaf = self._context.wait_for_external_event(name)
        return [queue.leaf for queue in waited_for.values()]

    def next(self) -> tuple[list[Leaf], bool]:
        """The leaves to wait for, and whether all of them are wanted before anybody wakes."""
        self._single = {leaf: future for leaf, future in self._single.items() if not future.done()}
        if self._bulks:
            self._bulks = [bulk for bulk in self._bulks if not bulk.future.done()]
        single = [*self._single, *self._event_leaves()] if self._events else list(self._single)
        timer = self._durable_timer()
        if len(self._bulks) == 1 and not single and timer is None:
            return list(self._bulks[0].open), True
        for bulk in self._bulks:
            single += bulk.open
        if timer is not None:
            single.append(timer)
        return single, False

    def _durable_timer(self) -> Leaf | None:
        first = self._loop.next_timer()
        if self._timer is not None and self._timer[0] != first:
            sdk.cancel_timer(self._timer[1])
            self._timer = None
        if first is None:
            return None
        if self._timer is None:
            seconds = min(max(0.0, first - self._loop.time()), sdk.MAX_TIMER.total_seconds())  # of infinity, too
            self._timer = (first, sdk.timer(self._context, timedelta(microseconds=math.ceil(seconds * 1e6))))
        return self._timer[1]

    def resolve(self) -> None:
        """Give the results of leaves that are done to their futures."""
        for leaf in [leaf for leaf in self._single if sdk.is_done(leaf)]:
            future = self._single.pop(leaf)
            if _settle(future, leaf):
                self.failed.append(future)
        for bulk in self._bulks:
            bulk.finish()
        for queue in self._events.values():
            if queue.leaf is not None and sdk.is_done(queue.leaf):
                queue.values.append(sdk.outcome(queue.leaf))
                queue.leaf = None
                queue.wake()
        if self._timer is not None and sdk.is_done(self._timer[1]):
            self._timer = None

    def close(self) -> None:
        """Cancel the open timer: it would keep the instance running."""
        if self._timer is not None:
            sdk.cancel_timer(self._timer[1])


def _settle(future: asyncio.Future[Any], leaf: Leaf) -> bool:
    """Give the outcome to the future; returns whether it is a failure."""
    if future.done():  # cancelled: nobody waits for it any more
        return False
    outcome = _failure_or_result(leaf)
    if isinstance(outcome, DurableTaskFailed):
        future.set_exception(outcome)
        return True
    future.set_result(outcome)
    return False


def _failure_or_result(leaf: Leaf) -> Any:
    """The SDK knows a failure as a bare `Exception` with a text."""
    outcome = sdk.outcome(leaf)
    return DurableTaskFailed(str(outcome)) if isinstance(outcome, Exception) else outcome
