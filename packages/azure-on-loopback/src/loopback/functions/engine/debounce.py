"""Before an instance is replayed it rests a moment, so that results which come shortly after one another are taken
together.

Every episode replays the whole history: 1,000 results in 1,000 episodes cost a thousand times as much as in one. So
after each result the next is waited for as long as a replay takes, again and again, though in all no longer than the
replays that this may save are worth. Agents whose results are taken together are begun together, too, and so end close
to one another the next time.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

REST = 2000.0
"""Seconds of rest, for the square of a replay's seconds: 8 ms after 2 ms, 0.2 s after 10 ms."""
MAX_SECONDS = 0.5
WORTH = 0.5
"""Of what the replays would take if every task that is waited for had one of its own."""
MOST = 0.9


@dataclass(frozen=True)
class _Rest:
    longest: float
    """Seconds in all."""
    pause: float
    """Seconds after which nothing more is expected soon."""
    most: float
    """How many results are enough to end it."""


NONE = _Rest(0.0, 0.0, 0.0)


class Debounce:
    """`end` is called with an instance when its rest is over."""

    def __init__(self, end: Callable[[str], None]) -> None:
        self._end = end
        self._rests: dict[str, _Rest] = {}
        self._resting: dict[str, tuple[asyncio.TimerHandle, float]] = {}
        """The timer that ends it, and when it is over in any case."""
        self._arrived: Counter[str] = Counter()

    def episode_begins(self, instance: str) -> None:
        """All that has come for it is taken now."""
        self._arrived.pop(instance, None)

    def episode_ended(self, instance: str, replay_seconds: float, tasks: int) -> None:
        """Its replay took so long; `tasks` are waited for. A single one is not worth a rest."""
        if tasks <= 1:
            self.forget(instance)
            return
        # Taken one by one, the tasks would cost a replay each: a rest is to be worth a good part of that.
        longest = min(REST * replay_seconds**2, WORTH * tasks * replay_seconds, MAX_SECONDS)
        self._rests[instance] = _Rest(longest, replay_seconds, MOST * tasks)

    def forget(self, instance: str) -> None:
        """It has ended, or no rest is worth while."""
        self._rests.pop(instance, None)
        self._arrived.pop(instance, None)

    def begin(self, instance: str) -> None:
        """Something has come for an instance that is not being worked on."""
        rest = self._rests.get(instance, NONE)
        if self._arrived[instance] >= rest.most:
            self._end(instance)
        else:
            self._wait(instance, rest, asyncio.get_running_loop().time() + rest.longest)

    def arrived(self, instance: str, results: int) -> None:
        """Results of tasks have come for an instance, which may have ended."""
        rest = self._rests.get(instance)
        if rest is None:
            return
        self._arrived[instance] += results
        if instance in self._resting:
            timer, until = self._resting[instance]
            timer.cancel()
            if self._arrived[instance] >= rest.most:
                self._over(instance)
            else:
                self._wait(instance, rest, until)

    def _wait(self, instance: str, rest: _Rest, until: float) -> None:
        loop = asyncio.get_running_loop()
        timer = loop.call_at(min(until, loop.time() + rest.pause), self._over, instance)
        self._resting[instance] = timer, until

    def _over(self, instance: str) -> None:
        del self._resting[instance]
        self._end(instance)
