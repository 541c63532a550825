"""A rest ends when most of what is waited for is there, and in the end in any case."""

import asyncio

import pytest

from loopback.functions.engine.debounce import MAX_SECONDS, MOST, Debounce

pytestmark = pytest.mark.anyio
LONG_REPLAY = 0.02
"""Seconds; of 100 tasks it would rest for half a second at most."""


class Ended:
    """What rests have ended of an instance that has had an episode."""

    def __init__(self, **tasks: int) -> None:
        self.names: list[str] = []
        self.rests = Debounce(self.names.append)
        for name, open_tasks in tasks.items():
            self.rests.episode_ended(name, LONG_REPLAY, open_tasks)

    def come(self, name: str, results: int) -> None:
        self.rests.arrived(name, results)
        self.rests.begin(name)


async def test_the_first_episode_and_one_for_a_single_task_are_not_rested_for() -> None:
    ended = Ended(single=1)
    ended.come("first", 1)
    ended.come("single", 1)

    assert ended.names == ["first", "single"]


async def test_most_results_end_it_early_and_once() -> None:
    ended = Ended(run=100)
    ended.come("run", int(MOST * 100) - 1)
    assert ended.names == []

    ended.rests.arrived("run", 1)
    await asyncio.sleep(2 * MAX_SECONDS)
    assert ended.names == ["run"]


async def test_what_came_during_the_episode_counts() -> None:
    ended = Ended(run=100)
    ended.rests.episode_begins("run")
    ended.rests.arrived("run", 80)
    ended.rests.episode_ended("run", LONG_REPLAY, tasks=100)
    ended.come("run", 10)

    assert ended.names == ["run"]


async def test_what_an_episode_has_taken_does_not_count_again() -> None:
    ended = Ended(run=100)
    ended.rests.arrived("run", 90)
    ended.rests.episode_begins("run")
    ended.rests.begin("run")

    assert ended.names == []


async def test_it_ends_when_nothing_more_has_come_for_as_long_as_a_replay_takes() -> None:
    ended = Ended(run=100)
    ended.come("run", 1)
    for _ in range(4):
        await asyncio.sleep(LONG_REPLAY / 4)
        ended.rests.arrived("run", 1)
    assert ended.names == [], "something always came"

    await asyncio.sleep(5 * LONG_REPLAY)
    assert ended.names == ["run"]


async def test_it_ends_though_something_always_comes_and_sooner_when_few_tasks_are_waited_for() -> None:
    ended = Ended(many=100, few=5)
    ended.come("many", 0)
    ended.come("few", 0)
    began = asyncio.get_running_loop().time()
    while len(ended.names) < 2:
        assert asyncio.get_running_loop().time() - began < 10 * MAX_SECONDS
        for name in {"many", "few"} - set(ended.names):
            ended.rests.arrived(name, 0)
        await asyncio.sleep(LONG_REPLAY / 10)

    assert ended.names == ["few", "many"]


async def test_what_has_ended_is_not_rested_for() -> None:
    ended = Ended(run=100)
    ended.rests.forget("run")
    ended.come("run", 1)

    assert ended.names == ["run"]
    assert not ended.rests._arrived, "late results of what has ended would stay for ever"
