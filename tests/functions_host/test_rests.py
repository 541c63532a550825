"""A rest ends when most of what is waited for is there, and in the end in any case."""

import asyncio

import pytest

from local.functions_host.rests import LONGEST_SECONDS, MOST, Rests

pytestmark = pytest.mark.anyio
LONG_REPLAY = 0.02
"""Seconds; it would rest for half a second."""


class Ended:
    def __init__(self) -> None:
        self.names: list[str] = []
        self.rests = Rests(self.names.append)


async def test_a_single_task_is_not_rested_for() -> None:
    ended = Ended()
    ended.rests.begin("run", LONG_REPLAY, tasks=1)

    assert ended.names == ["run"]


async def test_most_results_end_it_early_and_once() -> None:
    ended = Ended()
    ended.rests.begin("run", LONG_REPLAY, tasks=100)

    ended.rests.arrived("run", int(MOST * 100) - 1)
    assert ended.names == []
    ended.rests.arrived("run", 1)
    await asyncio.sleep(0.6)
    assert ended.names == ["run"]


async def test_what_came_during_the_episode_counts() -> None:
    ended = Ended()
    ended.rests.episode_begins("run")
    ended.rests.arrived("run", 90)
    ended.rests.begin("run", LONG_REPLAY, tasks=100)

    assert ended.names == ["run"]


async def test_what_an_episode_has_taken_does_not_count_again() -> None:
    ended = Ended()
    ended.rests.arrived("run", 90)
    ended.rests.episode_begins("run")
    ended.rests.begin("run", LONG_REPLAY, tasks=100)

    assert ended.names == []


async def test_it_ends_though_nothing_comes() -> None:
    ended = Ended()
    ended.rests.begin("run", 0.002, tasks=100)
    await asyncio.sleep(0.1)

    assert ended.names == ["run"]


async def test_few_tasks_are_not_rested_for_as_long_as_many() -> None:
    ended = Ended()
    ended.rests.begin("many", LONG_REPLAY, tasks=100)
    ended.rests.begin("few", LONG_REPLAY, tasks=5)

    await asyncio.sleep(2 * LONGEST_SECONDS)

    assert ended.names == ["few", "many"]
