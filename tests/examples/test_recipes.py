"""The three recipes, followed to the letter one after the other in a copy of this clone."""

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.examples.recipe import Recipe

ROOT = Path(__file__).resolve().parents[2]
LEFT_OUT = (".*", "__pycache__", "build", "docs", "packages")

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the READMEs' commands are for a POSIX shell")


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recipe]:
    root = tmp_path_factory.mktemp("recipes") / "clone"
    shutil.copytree(ROOT, root, ignore=shutil.ignore_patterns(*LEFT_OUT))
    yield Recipe(root)


def test_an_added_agent_is_found_by_its_purpose_and_named_in_a_plan(clone: Recipe) -> None:
    (clone.root / "murmuration" / "agents" / "bad.md").write_text('+++\nname = "bad"\n+++\nNothing.', encoding="utf-8")

    listed, suitable, outcome = clone.follow("add_agent")

    assert "headline_writer" in listed


def test_an_added_step_is_deployed(clone: Recipe) -> None:
    assert "'count_words'" in clone.follow("add_step")[-1]


def test_an_added_workflow_calls_the_step_and_ends(clone: Recipe) -> None:
    *_, status = clone.follow("add_workflow")

    assert json.loads(status)["runtimeStatus"] == "Completed"
