"""Goals under all kinds of faults keep their properties, and what would break one is found."""

from collections import Counter
from functools import cache

import pytest

from simulation.planted_bugs import PLANTS, caught
from simulation.properties import CHECKS
from simulation.run import Plant, Report, outlives_restarts, simulated

RUNS = 40
WATCHED_BY_THE_HOST = {2, 3}


KINDS = {"host_restart", "crash_before", "crash_after", "raised", "rate_limited", "unavailable", "slow"}


@cache
def report(number: int) -> Report:
    return simulated(f"tests/{number}")


@pytest.mark.parametrize("number", range(RUNS))
def test_a_goal_keeps_every_property(number: int) -> None:
    assert report(number).broken == []


@pytest.mark.parametrize("number", [72, 393], ids=["budget_exceeded", "revision_exhausted"])
def test_an_answer_that_needs_approval_is_not_told_before(number: int) -> None:
    assert simulated(f"7/{number}").broken == []


def test_faults_of_every_kind_are_injected() -> None:
    injected = Counter(kind for number in range(RUNS) for kind in report(number).faults)

    assert set(injected) >= KINDS
    assert any(kind.startswith("event_") for kind in injected)


@pytest.mark.parametrize("number", range(5))
def test_restarts_of_the_host_change_no_outcome(number: int) -> None:
    assert outlives_restarts(f"restarts/{number}").broken == []


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: f"{plant.number} {plant.what}")
def test_a_planted_bug_is_found(plant: Plant) -> None:
    assert caught(plant) is not None


def test_every_checker_has_a_bug_to_find() -> None:
    assert {plant.number for plant in PLANTS} == set(CHECKS) | WATCHED_BY_THE_HOST


def test_a_run_depends_on_its_seed_alone() -> None:
    first, again, other = simulated("a/1"), simulated("a/1"), simulated("a/2")

    assert (again.outputs, again.faults, again.episodes) == (first.outputs, first.faults, first.episodes)
    assert other.outputs != first.outputs
