"""Every row of the table has its activity, with the contracts the row promises."""

import inspect
import typing
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import activities
from murmuration.contracts.steps import STEPS, Step


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)
def test_an_activity_takes_and_returns_what_its_row_says(step: Step[Any, Any]) -> None:
    activity = getattr(import_module(f"{step.package}.{step.name}"), step.name)
    hints = typing.get_type_hints(activity)
    first = next(iter(inspect.signature(activity).parameters))

    assert hints[first] is step.takes
    assert hints["return"] is step.returns
    assert inspect.iscoroutinefunction(activity)


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)
def test_an_activity_says_what_happens_when_it_runs_twice(step: Step[Any, Any]) -> None:
    activity = getattr(import_module(f"{step.package}.{step.name}"), step.name)

    assert (activity.__doc__ or "").startswith("Safe to run twice: ")


def test_no_activity_is_without_a_row() -> None:
    files = {path.stem for path in Path(activities.__path__[0]).glob("*.py")}

    assert files - {"__init__"} == {step.name for step in STEPS if step.package == "activities"}
