"""The clock of a run stands still as long as anything stops it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from murmuration.durable.workflow import Flow
from orchestrators.goal.clock import RunClock
from simulation.records import EPOCH


@dataclass
class FakeFlow:
    """A flow whose time the test sets."""

    now: datetime = EPOCH

    def passes(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def test_time_within_overlapping_stops_is_not_counted_and_not_taken_off_twice() -> None:
    flow = FakeFlow()
    clock = RunClock(cast(Flow, flow))
    flow.passes(3)
    first, second = clock.stopped(), clock.stopped()

    seconds = []
    first.__enter__()
    flow.passes(10)
    seconds.append(clock.seconds)
    second.__enter__()
    flow.passes(10)
    first.__exit__(None, None, None)
    flow.passes(10)
    seconds.append(clock.seconds)
    second.__exit__(None, None, None)
    flow.passes(2)

    assert seconds == [3, 3]
    assert clock.seconds == 5
