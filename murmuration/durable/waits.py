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
    """Values of one event name that nobody took yet, and the futures that wait for one, both in order."""

    def __init__(self) -> None:
        self.values: deque[Any] = deque()
        self.waiters: deque[DurableFuture] = deque()
        self.leaf: Leaf = None
        """The one open leaf of the name: the SDK serves several open waits last in, first out."""

    def has_waiters(self) -> bool:
        while self.waiters and self.waiters[0].done():
            self.waiters.popleft()
        return bool(self.waiters)


class _Bulk:
    """A fan-out whose caller wakes only when all of its leaves are done."""

    def __init__(self, leaves: list[Leaf], future: DurableFuture) -> None:
        self.leaves = leaves
        self.open = dict.fromkeys(leaves)
        self.future = future


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
        bulk = _Bulk(leaves, together)
        for leaf in leaves:
            self._single.pop(leaf, None)
        self._bulks.append(bulk)
        self._finish(bulk)
        return together

    def _finish(self, bulk: _Bulk) -> None:
        bulk.open = {leaf: None for leaf in bulk.open if not sdk.is_done(leaf)}
        if not bulk.open and not bulk.future.done():
            bulk.future.set_result([_failure_or_result(leaf) for leaf in bulk.leaves])

    def event(self, name: str) -> DurableFuture:
        """The future of the next event of this name. Nothing is lost when a wait is cancelled: the next one gets it."""
        queue = self._events.setdefault(name, _EventQueue())
        future = self._loop.create_future()
        if queue.values:
            future.set_result(queue.values.popleft())
        else:
            queue.waiters.append(future)
            self._listen(name, queue)
        return future

    def _listen(self, name: str, queue: _EventQueue) -> None:
        if queue.leaf is None:
            queue.leaf = self._context.wait_for_external_event(name)

    def next(self) -> tuple[list[Leaf], bool]:
        """The leaves to wait for, and whether all of them are wanted before anybody wakes."""
        self._single = {leaf: future for leaf, future in self._single.items() if not future.done()}
        self._bulks = [bulk for bulk in self._bulks if not bulk.future.done()]
        single = [*self._single, *(queue.leaf for queue in self._events.values() if queue.has_waiters())]
        timer = self._durable_timer()
        if len(self._bulks) == 1 and not single and timer is None:
            return list(self._bulks[0].open), True
        open_leaves = [leaf for bulk in self._bulks for leaf in bulk.open]
        return [*single, *open_leaves, *([] if timer is None else [timer])], False

    def _durable_timer(self) -> Leaf | None:
        first = self._loop.next_timer()
        if self._timer is not None and self._timer[0] != first:
            sdk.cancel_timer(self._timer[1])
            self._timer = None
        if first is None:
            return None
        if self._timer is None:
            microseconds = math.ceil(max(0.0, first - self._loop.time()) * 1e6)
            self._timer = (first, sdk.timer(self._context, timedelta(microseconds=microseconds)))
        return self._timer[1]

    def resolve(self) -> None:
        """Give the results of leaves that are done to their futures."""
        for leaf in [leaf for leaf in self._single if sdk.is_done(leaf)]:
            _settle(self._single.pop(leaf), leaf)
        for bulk in self._bulks:
            self._finish(bulk)
        for name, queue in self._events.items():
            if queue.leaf is not None and sdk.is_done(queue.leaf):
                queue.values.append(sdk.outcome(queue.leaf))
                queue.leaf = None
                while queue.values and queue.has_waiters():
                    queue.waiters.popleft().set_result(queue.values.popleft())
                if queue.has_waiters():
                    self._listen(name, queue)
        if self._timer is not None and sdk.is_done(self._timer[1]):
            self._timer = None

    def close(self) -> None:
        """Cancel the open timer: it would keep the instance running."""
        if self._timer is not None:
            sdk.cancel_timer(self._timer[1])


def _settle(future: DurableFuture, leaf: Leaf) -> None:
    if future.done():  # cancelled: nobody waits for it any more
        return
    outcome = _failure_or_result(leaf)
    if isinstance(outcome, DurableTaskFailed):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)


def _failure_or_result(leaf: Leaf) -> Any:
    """The SDK knows a failure as a bare `Exception` with a text."""
    outcome = sdk.outcome(leaf)
    return DurableTaskFailed(str(outcome)) if isinstance(outcome, Exception) else outcome
