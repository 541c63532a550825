"""Goals under all kinds of faults keep their properties, and the checkers find the bugs that would break them."""

from collections import Counter
from functools import cache

import pytest

from simulation.ended_goal import RUN
from simulation.planted_bugs import PLANTED_BUGS, first_catch
from simulation.properties import CHECKS
from simulation.run import PlantedBug, Report, simulate_goal, simulate_without_restarts_too

RUNS = 40
WATCHED_BY_THE_HOST = {2, 3}
FAULTS = {"host_restart", "crash_before", "crash_after", "raised", "rate_limited", "unavailable", "slow"}


@cache
def report(number: int) -> Report:
    return simulate_goal(f"tests/{number}")


@pytest.mark.parametrize("number", range(RUNS))
def test_a_goal_keeps_every_property(number: int) -> None:
    assert report(number).violations == []


@pytest.mark.parametrize(("number", "code"), [(702, "budget_exceeded"), (605, "revision_exhausted")])
def test_an_answer_that_needs_approval_is_not_published_before(number: int, code: str) -> None:
    report = simulate_goal(f"7/{number}")

    assert report.violations == []
    assert report.outputs[RUN]["error"]["code"] == code
    assert report.outputs[RUN]["verdict"], "there was an answer"


def test_faults_of_every_kind_are_injected() -> None:
    injected = Counter(kind for number in range(RUNS) for kind in report(number).faults)

    assert set(injected) >= FAULTS
    assert any(kind.startswith("event_") for kind in injected)


@pytest.mark.parametrize("number", range(5))
def test_restarts_of_the_host_change_no_outcome(number: int) -> None:
    assert simulate_without_restarts_too(f"restarts/{number}").violations == []


@pytest.mark.parametrize("bug", PLANTED_BUGS, ids=lambda bug: f"{bug.number} {bug.what}")
def test_a_planted_bug_is_found(bug: PlantedBug) -> None:
    assert first_catch(bug) is not None


def test_every_checker_has_a_bug_to_find() -> None:
    assert {bug.number for bug in PLANTED_BUGS} == set(CHECKS) | WATCHED_BY_THE_HOST


def test_a_run_depends_on_its_seed_alone() -> None:
    first, again, other = simulate_goal("a/1"), simulate_goal("a/1"), simulate_goal("a/2")

    assert (again.outputs, again.faults, again.episodes) == (first.outputs, first.faults, first.episodes)
    assert other.outputs != first.outputs
