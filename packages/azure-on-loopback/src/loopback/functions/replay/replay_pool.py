"""Replays orchestrators in a thread, many at a time.

Each hop to a thread and back costs as much as a short replay; so all instances that have something to do go together,
and their consequences are one transaction. One that takes long, or for ever, does not hold up the others: after a
moment they go on in another thread.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Generic, TypeVar

from loopback.functions.threads import DaemonThreads

E = TypeVar("E")
R = TypeVar("R")
T = TypeVar("T")

AT_ONCE = 32
LONG_SECONDS = 0.1
THREADS = 64
"""Mostly one is used; a replay that does not end keeps its own."""


class _Batch(Generic[E, R]):
    def __init__(self, todo: Sequence[E]) -> None:
        self.todo = deque(todo)
        self.done: deque[R] = deque()
        self.current: E = todo[0]
        self.given_up = False

    def run(self, replay: Callable[[E], R]) -> None:
        for episode in _emptied(self.todo):
            self.current = episode
            self.done.append(replay(episode))


def _emptied(items: deque[T]) -> Iterator[T]:
    """Takes one after the other; another thread may do the same, each item is taken once."""
    while True:
        try:
            item = items.popleft()
        except IndexError:
            return
        yield item


class Replays(Generic[E, R]):
    """`due` gives the episode of an instance, or None; `finish` takes the results, on the loop.

    A replay that takes longer than `timeout` seconds is given up; `too_long` says what its result is.
    """

    def __init__(
        self,
        due: Callable[[str], E | None],
        replay: Callable[[E], R],
        finish: Callable[[Sequence[R]], None],
        timeout: float | None,
        too_long: Callable[[E], R],
    ) -> None:
        self._due = due
        self._replay = replay
        self._finish = finish
        self._timeout = timeout
        self._too_long = too_long
        self._waiting: deque[str] = deque()
        self._rescued: deque[E] = deque()
        self._current: _Batch[E, R] | None = None
        self._threads = DaemonThreads(THREADS, "replay")
        self._asked = False
        self._stopped = False

    def add(self, instance: str) -> None:
        """There is something to do for `instance`, which is not being worked on."""
        self._waiting.append(instance)
        self._ask()

    def stop(self) -> None:
        self._stopped = True

    def _ask(self) -> None:
        if not self._asked and self._current is None:
            self._asked = True
            asyncio.get_running_loop().call_soon(self._begin)

    def _begin(self) -> None:
        self._asked = False
        if self._stopped or self._current is not None:
            return
        episodes: list[E] = []
        while len(episodes) < AT_ONCE and (self._rescued or self._waiting):
            episode = self._rescued.popleft() if self._rescued else self._due(self._waiting.popleft())
            if episode is not None:
                episodes.append(episode)
        if not episodes:
            return
        batch = self._current = _Batch[E, R](episodes)
        loop = asyncio.get_running_loop()
        running = loop.run_in_executor(self._threads, batch.run, self._replay)
        late = [loop.call_later(LONG_SECONDS, self._rescue, batch)]
        if self._timeout is not None:
            late.append(loop.call_later(LONG_SECONDS + self._timeout, self._give_up, batch))
        running.add_done_callback(lambda ended: self._ended(batch, late, ended))

    def _rescue(self, batch: _Batch[E, R]) -> None:
        """It takes long: what has not begun goes elsewhere, what is done counts."""
        if self._current is batch:
            self._current = None
        self._rescued.extend(_emptied(batch.todo))
        self._take(batch)
        self._ask()

    def _give_up(self, batch: _Batch[E, R]) -> None:
        """Only one is left in it: the others have been rescued."""
        batch.given_up = True
        self._threads.abandon_one()
        self._finish([self._too_long(batch.current)])

    def _ended(self, batch: _Batch[E, R], late: list[asyncio.TimerHandle], ended: asyncio.Future[None]) -> None:
        for timer in late:
            timer.cancel()
        if batch.given_up:
            return
        if self._current is batch:
            self._current = None
        self._take(batch)
        self._ask()
        ended.result()

    def _take(self, batch: _Batch[E, R]) -> None:
        results = list(_emptied(batch.done))
        if results and not self._stopped:  # what is not recorded is replayed at the next start
            self._finish(results)
