"""The three recipes, followed to the letter one after the other in a copy of this clone."""

import json
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.examples.readme import Block, Reader, blocks

ROOT = Path(__file__).resolve().parents[2]
LEFT_OUT = (".*", "__pycache__", "build", "docs", "packages", "local.settings.json")
SERVERS = "python -m murmuration.cli up"
OWN_PORTS = " --port 7071 --search-port 7072 --model-port 7073"
FILE = re.compile(r"`([\w/]+\.py)`")
BELOW_THE_ROWS = "\nSTEPS: "
"""The beginning of the line of `murmuration/contracts/steps.py` that follows the rows."""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the commands are those of a POSIX shell")


class Follower:
    """Follows recipes in a copy of the clone, each of them once."""

    def __init__(self, clone: Path) -> None:
        self._reader = Reader(clone)
        self._outputs: dict[str, list[str]] = {}

    def follow(self, example: str, ready: Callable[[str], bool] = bool) -> list[str]:
        """Do what the README says; returns what the blocks of commands print. The last is run until it is `ready`."""
        if example not in self._outputs:
            steps = blocks(self._reader.folder / "examples" / example / "README.md")
            try:
                outputs = list(self._follow(steps[:-1]))
                self._outputs[example] = [*outputs, self._reader.run_until(steps[-1].text, ready)]
            finally:
                self._reader.stop()
        return self._outputs[example]

    def _follow(self, steps: list[Block]) -> Iterator[str]:
        for step in steps:
            if step.language == "python":
                self._insert(FILE.findall(step.above)[-1], step.text)
            elif step.text.startswith(SERVERS):
                self._reader.start(step.text.strip() + OWN_PORTS, "7071", "Murmuration is up.")
            else:
                yield self._reader.run(step.text)

    def _insert(self, file: str, code: str) -> None:
        """Add code to the file that the README names, below the rows of steps."""
        path = self._reader.folder / file
        rows, mark, rest = path.read_text(encoding="utf-8").partition(BELOW_THE_ROWS)
        assert mark, f"{file} has no line that begins with {mark.strip()}"
        path.write_text(f"{rows}{code}\n{mark}{rest}", encoding="utf-8")


@pytest.fixture(scope="module")
def recipes(tmp_path_factory: pytest.TempPathFactory) -> Follower:
    clone = tmp_path_factory.mktemp("recipes") / "clone"
    shutil.copytree(ROOT, clone, ignore=shutil.ignore_patterns(*LEFT_OUT))
    return Follower(clone)


def test_an_added_agent_is_found_by_its_purpose_and_performs_a_task_of_a_plan(recipes: Follower) -> None:
    listed, suitable, outcome = recipes.follow("add_agent")

    assert "headline_writer" in listed
    assert json.loads(suitable)["agents"][0]["name"] == "headline_writer"
    run = json.loads(outcome)
    assert run["status"] == "completed"
    assert run["answer"] == "Green tea tastes best at 80 degrees."
    assert run["prompts"]["headline_writer"] == "1"
    assert [(task["type"], task["state"]) for task in run["tasks"]] == [("agent", "done")]


def test_an_added_step_is_deployed(recipes: Follower) -> None:
    *_, functions = recipes.follow("add_step")

    assert "'count_words'" in functions


def test_an_added_workflow_asks_the_agent_and_calls_the_step(recipes: Follower) -> None:
    recipes.follow("add_agent")
    recipes.follow("add_step")

    *_, tested, _, status = recipes.follow("add_workflow", ready=lambda status: '"output": {' in status)

    assert "passed" in tested
    run = json.loads(status)
    assert run["runtimeStatus"] == "Completed"
    assert run["output"] == {"text": "Green tea tastes best at 80 degrees.", "words": 7}
