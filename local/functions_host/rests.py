"""An instance rests between its episodes, so that results which come one by one are taken together.

Every episode replays the whole history: 1,000 results in 1,000 episodes cost a thousand times as much as in one. The
longer a replay takes and the more is waited for, the longer the rest; it ends early when most of it is there.
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
        self._resting: dict[str, tuple[asyncio.TimerHandle, float]] = {}
        self._early: Counter[str] = Counter()
        """What has come during the episode."""

    def episode_begins(self, instance: str) -> None:
        """All that has come for it is taken now."""
        self._early.pop(instance, None)

    def begin(self, instance: str, replay_seconds: float, tasks: int) -> None:
        """The episode has ended; `tasks` are waited for. A single one is not worth a rest."""
        missing = MOST * tasks - self._early.pop(instance, 0)
        if tasks <= 1 or missing <= 0:
            self._end(instance)
            return
        # Taken one by one, the tasks would cost a replay each: a rest is to be worth a good part of that.
        seconds = min(REST * replay_seconds**2, WORTH * tasks * replay_seconds, LONGEST_SECONDS)
        timer = asyncio.get_running_loop().call_later(seconds, self._over, instance)
        self._resting[instance] = timer, missing

    def arrived(self, instance: str, results: int) -> None:
        """Something has come for an instance."""
        if instance not in self._resting:
            self._early[instance] += results
            return
        timer, missing = self._resting[instance]
        self._resting[instance] = timer, missing - results
        if missing <= results:
            timer.cancel()
            self._over(instance)

    def _over(self, instance: str) -> None:
        del self._resting[instance]
        self._end(instance)
