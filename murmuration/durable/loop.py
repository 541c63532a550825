"""A deterministic asyncio event loop: its clock is the orchestration's, and its waits are durable.

`asyncio.gather`, `TaskGroup`, `timeout`, `wait`, `sleep`, `Semaphore`, `Queue`, `Event`, `shield` and cancellation work
as Python documents them, and alike in every replay. Tasks and futures hash by the number of their creation, so that the
sets in which asyncio keeps them iterate in one order everywhere. Threads, sockets and subprocesses are refused.
"""

import asyncio
import heapq
import itertools
import sys
import threading
from asyncio import events
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from contextlib import suppress
from contextvars import Context as Variables
from typing import Any, TypeVarTuple

from murmuration.durable.errors import Forbidden, Spinning, Suspended
from murmuration.durable.refusing_loop import RefusingLoop

Args = TypeVarTuple("Args")

MAX_THROWS = 100
"""How often a coroutine may catch `Suspended` and wait again before it is left alone."""
MAX_CALLBACKS = 1_000_000
"""A workflow that runs more callbacks without waiting for anything durable never will."""
CLOCK_RESOLUTION = 1e-6
"""Seconds: the durable clock counts microseconds."""


_thread_state = threading.local()


def is_in_workflow() -> bool:
    """Whether this thread runs a workflow's code now."""
    return getattr(_thread_state, "in_workflow", False)


def _end(coroutine: Coroutine[Any, Any, Any] | Generator[Any, Any, Any]) -> None:
    for _ in range(MAX_THROWS):
        try:
            coroutine.throw(Suspended())
        except BaseException:  # noqa: BLE001 - whatever the clean-up raises, nobody is there to see it
            break


async def _throw(generator: AsyncGenerator[Any, Any]) -> None:
    await generator.athrow(Suspended())


class DurableTask(asyncio.Task[Any]):
    """A task that hashes by its number, which is the same in every replay."""

    def __init__(self, coroutine: Coroutine[Any, Any, Any], *, loop: "DurableLoop", **options: Any) -> None:
        self.number = loop.next_number()
        super().__init__(coroutine, loop=loop, **options)

    def __hash__(self) -> int:
        return self.number


class DurableFuture(asyncio.Future[Any]):
    """A future that hashes by its number, which is the same in every replay."""

    def __init__(self, *, loop: "DurableLoop") -> None:
        self.number = loop.next_number()
        super().__init__(loop=loop)

    def __hash__(self) -> int:
        return self.number


class _Running:
    """Makes a loop the running one of the thread. Entered with every wake-up, it is no generator."""

    def __init__(self, loop: "DurableLoop") -> None:
        self._loop = loop

    def __enter__(self) -> None:
        self._before = events._get_running_loop(), is_in_workflow(), sys.get_asyncgen_hooks()
        events._set_running_loop(self._loop)
        sys.set_asyncgen_hooks(firstiter=self._loop.hold, finalizer=None)
        _thread_state.in_workflow = True

    def __exit__(self, *_: object) -> None:
        events._set_running_loop(self._before[0])
        _thread_state.in_workflow = self._before[1]
        sys.set_asyncgen_hooks(*self._before[2])


class DurableLoop(RefusingLoop):
    """Runs callbacks until none is left; whoever drives it then waits durably and sets futures."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._numbers = itertools.count(1)
        self._names = itertools.count(1)
        self._ready: deque[asyncio.Handle] = deque()
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._thread = threading.get_ident()
        self._generators: list[AsyncGenerator[Any, Any]] = []
        self.tasks: list[DurableTask] = []
        """Every task, in the order of creation."""
        self.failure: BaseException | None = None
        """The first exception of a callback, which nobody could catch."""
        self.suspended = False
        self.running = _Running(self)

    def hold(self, generator: AsyncGenerator[Any, Any]) -> None:
        """Keep an asynchronous generator that begins: the garbage collector, which has no order, must close none."""
        self._generators.append(generator)

    def next_number(self) -> int:
        """Count tasks, futures and timers."""
        return next(self._numbers)

    def run_until_idle(self) -> None:
        """Run what is ready and the timers that are due, until nothing is; within `running`.

        Raises `Spinning` when that never ends.
        """
        ready, callbacks = self._ready, 0
        while True:
            while ready:
                handle = ready.popleft()
                if not handle.cancelled():
                    handle._run()
                    callbacks += 1
                    if callbacks > MAX_CALLBACKS:
                        raise Spinning
            if self._timers:
                self._take_due_timers()
            if not ready:
                return

    def _take_due_timers(self) -> None:
        due = self.time() + CLOCK_RESOLUTION
        while self._timers and (self._timers[0][2].cancelled() or self._timers[0][0] <= due):
            timer = heapq.heappop(self._timers)[2]
            if not timer.cancelled():
                self._ready.append(timer)

    def next_timer(self) -> float | None:
        """The time of the earliest timer by `time()`; None when there is none."""
        return self._timers[0][0] if self._timers else None

    def open_tasks(self) -> list[DurableTask]:
        """The tasks that are not done, in the order of their creation."""
        return [task for task in self.tasks if not task.done()]

    def close_generators(self) -> bool:
        """Begin to close the asynchronous generators that are left, as `asyncio.run` does; False: none is."""
        generators, self._generators = self._generators, []
        left = [generator for generator in generators if generator.ag_frame is not None]  # type: ignore[attr-defined]
        with self.running:
            for generator in left:
                self.create_task(generator.aclose())
        return bool(left)

    def suspend(self) -> None:
        """End every coroutine without a trace: the episode is over, and a replay begins anew."""
        self.suspended = True
        with self.running:
            for task in self.tasks:
                task._log_destroy_pending = False  # type: ignore[attr-defined] # what asyncio would warn of
                coroutine = task.get_coro()
                if not task.done() and coroutine is not None:
                    _end(coroutine)
            for generator in self._generators:
                closing = _throw(generator)
                with suppress(BaseException):
                    closing.send(None)
                    _end(closing)

    # The methods that asyncio calls on a loop.

    def time(self) -> float:
        return self._clock()

    def get_debug(self) -> bool:
        return False

    def set_debug(self, enabled: bool) -> None:
        """A workflow has no debug mode: it would change timing."""

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return False

    def get_task_factory(self) -> None:
        return None

    def create_future(self) -> DurableFuture:
        return DurableFuture(loop=self)

    def create_task(
        self, coro: Any, *, name: str | None = None, context: Variables | None = None, **options: Any
    ) -> Any:
        """Make a task; `options` are those of newer Pythons, such as `eager_start`."""
        task = DurableTask(coro, loop=self, name=name or f"task-{next(self._names)}", context=context, **options)
        self.tasks.append(task)
        return task

    def call_soon(
        self, callback: Callable[[*Args], object], *args: *Args, context: Variables | None = None
    ) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def call_soon_threadsafe(
        self, callback: Callable[[*Args], object], *args: *Args, context: Variables | None = None
    ) -> asyncio.Handle:
        if threading.get_ident() != self._thread:
            raise Forbidden("a callback from another thread", "call an activity and await it")
        return self.call_soon(callback, *args, context=context)

    def call_later(
        self, delay: float, callback: Callable[[*Args], object], *args: *Args, context: Variables | None = None
    ) -> asyncio.TimerHandle:
        return self.call_at(self.time() + delay, callback, *args, context=context)

    def call_at(
        self, when: float, callback: Callable[[*Args], object], *args: *Args, context: Variables | None = None
    ) -> asyncio.TimerHandle:
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        heapq.heappush(self._timers, (when, self.next_number(), handle))
        return handle

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Cancelled timers are dropped when they come up."""

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Keep the failure of a callback. The driver finds others itself: a garbage collector has no order."""
        if "handle" in context and self.failure is None:
            self.failure = context.get("exception")

    def default_exception_handler(self, context: dict[str, Any]) -> None:
        self.call_exception_handler(context)

    async def shutdown_asyncgens(self) -> None:
        """Asynchronous generators are closed at the end of the run."""


if sys.version_info >= (3, 12):
    _eager_task = asyncio.eager_task_factory

    def _eager_task_factory(loop: asyncio.AbstractEventLoop, coro: Any, **options: Any) -> Any:
        if isinstance(loop, DurableLoop):
            return loop.create_task(coro, **{"eager_start": True, **options})
        return _eager_task(loop, coro, **options)

    # LangGraph calls it by itself. Its tasks would be unknown to the loop, and hash by their address.
    asyncio.eager_task_factory = asyncio.tasks.eager_task_factory = _eager_task_factory
