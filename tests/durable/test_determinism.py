"""Replays in other processes schedule the same things in the same order, and what is planted is found."""

import inspect
import re
import warnings
from functools import cache
from random import Random

import pytest

from benchmarks.determinism import record_runs
from benchmarks.random_trees import record
from benchmarks.replay_elsewhere import Calls, replay_elsewhere
from simulation.virtual_host import Violation
from tests.durable.planted import HANDLES, PLANTED

RUNS = 30
Finding = tuple[str, str]
"""The difference and its line; what fails the run, when there is no difference."""


@cache
def findings() -> dict[str, Finding]:
    """Findings by planted workflow, of the recording or of another process; those of random workflows by `tree`."""
    found: dict[str, Finding] = {}
    histories = record_runs(1, range(RUNS))
    with Calls().noted() as calls, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in PLANTED:
            handle = HANDLES[name]
            try:
                (history,) = record(name, {name: calls.of(handle)}, None, Random(name), restart_chance=0)
            except Violation as problem:
                found[name] = str(problem), calls.where(str(problem), handle)
            else:
                histories.append(history)
                error = re.search(r"failed: (.*)\"", str(history.events[-2].get("Result")))
                found[name] = (error[1] if error else "", "")
    for difference in replay_elsewhere("tests.durable.planted", histories):
        found[difference.workflow] = difference.what, difference.where
    return found


def test_random_workflows_replay_alike_in_other_processes() -> None:
    assert "tree" not in findings()


@pytest.mark.parametrize("name", PLANTED)
def test_each_planted_source_meets_its_fate(name: str) -> None:
    fate, function = PLANTED[name]
    what, where = findings()[name]

    if fate == "harmless":
        assert what == ""
    elif fate == "refused":
        assert what.startswith("a workflow can't use ")
    else:
        lines, first = inspect.getsourcelines(function)
        file, _, line = where.rpartition(":")
        assert file.endswith("planted.py")
        assert what
        assert only_an_input_differs(what) == (fate == "input")
        if "call_all(" not in "".join(lines):  # which calls for many of them
            assert first <= int(line) < first + len(lines)


def only_an_input_differs(what: str) -> bool:
    """Whether the call before and the call now are of the same activity: as another process, or the recording, says."""
    titles = re.findall(r"(?:not any more: |new: |functionName\W+)(step \d+: activity \S+|[^']+)", what)
    return len(titles) == 2 and titles[0] == titles[1]


def test_enough_is_planted() -> None:
    assert sum(fate != "harmless" for fate, _ in PLANTED.values()) >= 20
