"""A pool that replays orchestrators in a thread, many at a time.

Each hop to a thread and back costs as much as a short replay. So all instances that have something to do are replayed
as one batch, and their consequences are one transaction. A replay that takes long, or for ever, doesn't hold up the
others: after a moment they go on in another thread.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Generic, TypeVar

from loopback.functions.threads import DaemonThreads

E = TypeVar("E")
R = TypeVar("R")
T = TypeVar("T")

MAX_BATCH = 32
LONG_SECONDS = 0.1
MAX_THREADS = 64
"""Mostly one is used; a replay that does not end holds its own."""


class _Batch(Generic[E, R]):
    """Episodes that one thread replays, one after the other."""

    def __init__(self, episodes: Sequence[E]) -> None:
        self.episodes = deque(episodes)
        self.results: deque[R] = deque()
        self.current: E = episodes[0]
        self.abandoned = False

    def run(self, replay: Callable[[E], R]) -> None:
        for episode in _drain(self.episodes):
            self.current = episode
            self.results.append(replay(episode))


def _drain(items: deque[T]) -> Iterator[T]:
    """Take one item after the other. Another thread may do the same: each item is taken once."""
    while True:
        try:
            item = items.popleft()
        except IndexError:
            return
        yield item


class ReplayPool(Generic[E, R]):
    """Replays the instances that are added; all its methods belong on the event loop.

    `next_episode` returns the episode of an instance, or None; `finish` takes results. A replay that takes longer than
    `timeout` seconds is abandoned, and `too_long` makes its result.
    """

    def __init__(
        self,
        next_episode: Callable[[str], E | None],
        replay: Callable[[E], R],
        finish: Callable[[Sequence[R]], None],
        timeout: float | None,
        too_long: Callable[[E], R],
    ) -> None:
        self._next_episode = next_episode
        self._replay = replay
        self._finish = finish
        self._timeout = timeout
        self._too_long = too_long
        self._instances: deque[str] = deque()
        self._rescued: deque[E] = deque()
        self._current: _Batch[E, R] | None = None
        self._threads = DaemonThreads(MAX_THREADS, "replay")
        self._start_scheduled = False
        self._stopped = False

    def add(self, instance: str) -> None:
        """Replay `instance`, which is not in the pool."""
        self._instances.append(instance)
        self._schedule_start()

    def stop(self) -> None:
        self._stopped = True

    def _schedule_start(self) -> None:
        if not self._start_scheduled and self._current is None:
            self._start_scheduled = True
            asyncio.get_running_loop().call_soon(self._start_batch)

    def _start_batch(self) -> None:
        self._start_scheduled = False
        if self._stopped or self._current is not None:
            return
        episodes: list[E] = []
        while len(episodes) < MAX_BATCH and (self._rescued or self._instances):
            episode = self._rescued.popleft() if self._rescued else self._next_episode(self._instances.popleft())
            if episode is not None:
                episodes.append(episode)
        if not episodes:
            return
        batch = self._current = _Batch[E, R](episodes)
        loop = asyncio.get_running_loop()
        running = loop.run_in_executor(self._threads, batch.run, self._replay)
        timers = [loop.call_later(LONG_SECONDS, self._rescue, batch)]
        if self._timeout is not None:
            timers.append(loop.call_later(LONG_SECONDS + self._timeout, self._abandon, batch))
        running.add_done_callback(lambda future: self._end_batch(batch, timers, future))

    def _rescue(self, batch: _Batch[E, R]) -> None:
        """Move the episodes that have not begun to another batch, and finish those that are done."""
        if self._current is batch:
            self._current = None
        self._rescued.extend(_drain(batch.episodes))
        self._finish_results(batch)
        self._schedule_start()

    def _abandon(self, batch: _Batch[E, R]) -> None:
        """Give up on the only replay that is left in the batch; the others have been rescued."""
        batch.abandoned = True
        self._threads.abandon_one()
        self._finish([self._too_long(batch.current)])

    def _end_batch(self, batch: _Batch[E, R], timers: list[asyncio.TimerHandle], future: asyncio.Future[None]) -> None:
        for timer in timers:
            timer.cancel()
        if batch.abandoned:
            return
        if self._current is batch:
            self._current = None
        self._finish_results(batch)
        self._schedule_start()
        future.result()

    def _finish_results(self, batch: _Batch[E, R]) -> None:
        results = list(_drain(batch.results))
        if results and not self._stopped:  # a result that is not recorded is replayed at the next start
            self._finish(results)
