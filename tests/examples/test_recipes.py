"""The three recipes, followed to the letter one after the other in a copy of this clone."""

import json
import shutil
import sys
from pathlib import Path

import pytest

from tests.examples.recipe import Recipe

ROOT = Path(__file__).resolve().parents[2]
LEFT_OUT = (".*", "__pycache__", "build", "docs", "packages", "local.settings.json")

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the commands are those of a POSIX shell")


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Recipe:
    root = tmp_path_factory.mktemp("recipes") / "clone"
    shutil.copytree(ROOT, root, ignore=shutil.ignore_patterns(*LEFT_OUT))
    return Recipe(root)


def test_an_added_agent_is_found_by_its_purpose_and_performs_a_task_of_a_plan(clone: Recipe) -> None:
    listed, suitable, outcome = clone.follow("add_agent")

    assert "headline_writer" in listed
    assert json.loads(suitable)["agents"][0]["name"] == "headline_writer"
    run = json.loads(outcome)
    assert run["status"] == "completed"
    assert run["answer"] == "Green tea tastes best at 80 degrees."
    assert run["prompts"]["headline_writer"] == "1"
    assert [(task["type"], task["state"]) for task in run["tasks"]] == [("agent", "done")]


def test_an_added_step_is_deployed(clone: Recipe) -> None:
    *_, functions = clone.follow("add_step")

    assert "'count_words'" in functions


def test_an_added_workflow_asks_the_agent_and_calls_the_step(clone: Recipe) -> None:
    *_, tested, _, status = clone.follow("add_workflow", ends=lambda status: '"output": {' in status)

    assert "passed" in tested
    run = json.loads(status)
    assert run["runtimeStatus"] == "Completed"
    assert run["output"] == {"text": "Green tea tastes best at 80 degrees.", "words": 7}
