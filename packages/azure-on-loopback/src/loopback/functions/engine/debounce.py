"""Debouncing of instances: an episode is delayed a moment, so that results that come close together are taken together.

Every episode replays the whole history: 1,000 results in 1,000 episodes cost a thousand times as much as in one. So
after each result the host waits for the next as long as a replay takes, again and again, but in all no longer than the
replays are worth that this may save. Agents whose results are taken together also start together, and so end close to
one another the next time.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

DELAY_PER_SQUARE_SECOND = 2000.0
"""Seconds of delay for the square of a replay's seconds: 8 ms after 2 ms, 0.2 s after 10 ms."""
MAX_DELAY_SECONDS = 0.5
MAX_DELAY_SHARE = 0.5
"""The longest delay, as a share of the time that the replays would take if every open task had one of its own."""
ENOUGH_SHARE = 0.9
"""The share of the open tasks whose results end a delay at once."""


@dataclass(frozen=True)
class _Delay:
    max_seconds: float
    """The longest time in all."""
    settle_seconds: float
    """The time without a result after which no more are expected soon."""
    enough_results: float
    """The number of results that end the delay."""


NO_DELAY = _Delay(0.0, 0.0, 0.0)


class Debounce:
    """Calls `fire` with an instance when its delay is over."""

    def __init__(self, fire: Callable[[str], None]) -> None:
        self._fire = fire
        self._delays: dict[str, _Delay] = {}
        self._waiting: dict[str, tuple[asyncio.TimerHandle, float]] = {}
        """The timer of each instance that is delayed, and the time of the loop at which it fires at the latest."""
        self._results: Counter[str] = Counter()

    def episode_begins(self, instance: str) -> None:
        """Count results anew, because the episode takes all that have arrived."""
        self._results.pop(instance, None)

    def episode_ended(self, instance: str, replay_seconds: float, open_tasks: int) -> None:
        """Work out the delay before the next episode. A single open task is not worth one."""
        if open_tasks <= 1:
            self.forget(instance)
            return
        max_seconds = min(
            DELAY_PER_SQUARE_SECOND * replay_seconds**2,
            MAX_DELAY_SHARE * open_tasks * replay_seconds,
            MAX_DELAY_SECONDS,
        )
        self._delays[instance] = _Delay(max_seconds, replay_seconds, ENOUGH_SHARE * open_tasks)

    def forget(self, instance: str) -> None:
        """Don't delay the instance any more; it may have ended."""
        self._delays.pop(instance, None)
        self._results.pop(instance, None)

    def delay(self, instance: str) -> None:
        """Begin the delay of an instance that has something to do and is not being worked on."""
        delay = self._delays.get(instance, NO_DELAY)
        if self._results[instance] >= delay.enough_results:
            self._fire(instance)
        else:
            self._wait(instance, delay, asyncio.get_running_loop().time() + delay.max_seconds)

    def results_arrived(self, instance: str, count: int) -> None:
        """Count the results of tasks of an instance, which may have ended."""
        delay = self._delays.get(instance)
        if delay is None:
            return
        self._results[instance] += count
        if instance in self._waiting:
            timer, latest = self._waiting[instance]
            timer.cancel()
            if self._results[instance] >= delay.enough_results:
                self._end_delay(instance)
            else:
                self._wait(instance, delay, latest)

    def _wait(self, instance: str, delay: _Delay, latest: float) -> None:
        loop = asyncio.get_running_loop()
        timer = loop.call_at(min(latest, loop.time() + delay.settle_seconds), self._end_delay, instance)
        self._waiting[instance] = timer, latest

    def _end_delay(self, instance: str) -> None:
        del self._waiting[instance]
        self._fire(instance)
