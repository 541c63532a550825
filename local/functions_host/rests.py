"""Before an instance is replayed it rests a moment, so that results which come shortly after one another are taken
together.

Every episode replays the whole history: 1,000 results in 1,000 episodes cost a thousand times as much as in one. The
longer a replay takes and the more is waited for, the longer the rest; it ends early when most of it is there. Agents
whose results are taken together are also begun together, and so end closer to one another the next time.
"""

import asyncio
from collections import Counter
from collections.abc import Callable

REST = 2000.0
"""Seconds of rest, for the square of a replay's seconds: 8 ms after 2 ms, 0.2 s after 10 ms."""
LONGEST_SECONDS = 0.5
WORTH = 0.5
"""Of what the replays would take if every task that is waited for had one of its own."""
MOST = 0.9


class Rests:
    """`end` is called with an instance when its rest is over."""

    def __init__(self, end: Callable[[str], None]) -> None:
        self._end = end
        self._known: dict[str, tuple[float, float]] = {}
        """For how long an instance rests, and how many results are most of what it waits for."""
        self._resting: dict[str, asyncio.TimerHandle] = {}
        self._arrived: Counter[str] = Counter()

    def episode_begins(self, instance: str) -> None:
        """All that has come for it is taken now."""
        self._arrived.pop(instance, None)

    def episode_ended(self, instance: str, replay_seconds: float, tasks: int) -> None:
        """Its replay took so long; `tasks` are waited for. A single one is not worth a rest."""
        # Taken one by one, the tasks would cost a replay each: a rest is to be worth a good part of that.
        seconds = min(REST * replay_seconds**2, WORTH * tasks * replay_seconds, LONGEST_SECONDS)
        self._known[instance] = (seconds, MOST * tasks) if tasks > 1 else (0.0, 0.0)

    def forget(self, instance: str) -> None:
        """It has ended."""
        self._known.pop(instance, None)

    def begin(self, instance: str) -> None:
        """Something has come for an instance that is not being worked on."""
        seconds, most = self._known.get(instance, (0.0, 0.0))
        if self._arrived[instance] >= most:
            self._end(instance)
        else:
            self._resting[instance] = asyncio.get_running_loop().call_later(seconds, self._over, instance)

    def arrived(self, instance: str, results: int) -> None:
        """Results of tasks have come for an instance."""
        self._arrived[instance] += results
        if instance in self._resting and self._arrived[instance] >= self._known[instance][1]:
            self._resting[instance].cancel()
            self._over(instance)

    def _over(self, instance: str) -> None:
        del self._resting[instance]
        self._end(instance)
