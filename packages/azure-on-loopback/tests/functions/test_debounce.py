"""A delay ends when most of the results that are waited for have arrived, and in any case after a while."""

import asyncio

import pytest

from loopback.functions.engine.debounce import ENOUGH_SHARE, MAX_DELAY_SECONDS, Debounce

pytestmark = pytest.mark.anyio
LONG_REPLAY = 0.02
"""Seconds; with 100 open tasks the longest delay is half a second."""


class Fired:
    """The instances whose delay has ended. Those that are passed have had an episode with so many open tasks."""

    def __init__(self, **open_tasks: int) -> None:
        self.names: list[str] = []
        self.debounce = Debounce(self.names.append)
        for name, count in open_tasks.items():
            self.debounce.episode_ended(name, LONG_REPLAY, count)

    def receive(self, name: str, results: int) -> None:
        self.debounce.results_arrived(name, results)
        self.debounce.delay(name)


async def test_the_first_episode_and_one_for_a_single_task_are_not_delayed() -> None:
    fired = Fired(single=1)
    fired.receive("first", 1)
    fired.receive("single", 1)

    assert fired.names == ["first", "single"]


async def test_most_results_end_a_delay_early_and_once() -> None:
    fired = Fired(run=100)
    fired.receive("run", int(ENOUGH_SHARE * 100) - 1)
    assert fired.names == []

    fired.debounce.results_arrived("run", 1)
    await asyncio.sleep(2 * MAX_DELAY_SECONDS)
    assert fired.names == ["run"]


async def test_results_that_arrived_during_the_episode_count() -> None:
    fired = Fired(run=100)
    fired.debounce.episode_begins("run")
    fired.debounce.results_arrived("run", 80)
    fired.debounce.episode_ended("run", LONG_REPLAY, open_tasks=100)
    fired.receive("run", 10)

    assert fired.names == ["run"]


async def test_results_that_an_episode_has_taken_do_not_count_again() -> None:
    fired = Fired(run=100)
    fired.debounce.results_arrived("run", 90)
    fired.debounce.episode_begins("run")
    fired.debounce.delay("run")

    assert fired.names == []


async def test_a_delay_ends_when_nothing_has_arrived_for_as_long_as_a_replay_takes() -> None:
    fired = Fired(run=100)
    fired.receive("run", 1)
    for _ in range(4):
        await asyncio.sleep(LONG_REPLAY / 4)
        fired.debounce.results_arrived("run", 1)
    assert fired.names == [], "results kept arriving"

    await asyncio.sleep(5 * LONG_REPLAY)
    assert fired.names == ["run"]


async def test_a_delay_ends_though_results_keep_arriving_and_sooner_with_few_open_tasks() -> None:
    fired = Fired(many=100, few=5)
    fired.receive("many", 0)
    fired.receive("few", 0)
    began = asyncio.get_running_loop().time()
    while len(fired.names) < 2:
        assert asyncio.get_running_loop().time() - began < 10 * MAX_DELAY_SECONDS
        for name in {"many", "few"} - set(fired.names):
            fired.debounce.results_arrived(name, 0)
        await asyncio.sleep(LONG_REPLAY / 10)

    assert fired.names == ["few", "many"]


async def test_an_instance_that_has_ended_is_not_delayed() -> None:
    fired = Fired(run=100)
    fired.debounce.forget("run")
    fired.receive("run", 1)

    assert fired.names == ["run"]
    assert not fired.debounce._results, "late results of an ended instance would stay for ever"
