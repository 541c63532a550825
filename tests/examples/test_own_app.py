"""An app in a folder of its own: it waits for a person, survives kill -9, and its README says how to write it."""

import sys
from pathlib import Path

import pytest

from tests.examples.own_app import EXAMPLE, ROOT, copy, play
from tests.examples.readme import Reader, blocks

MAX_LINES = 40


@pytest.mark.skipif(sys.platform == "win32", reason="the commands are those of a POSIX shell")
def test_a_run_survives_kill_9_while_it_waits_for_a_person(tmp_path: Path) -> None:
    run = play(Reader(copy(tmp_path / "own"), PYTHONPATH=str(ROOT)))

    assert run["runtimeStatus"] == "Completed"
    assert run["output"] == {"state": "approved", "text": "The office moves to Bath on 1 May."}


def test_it_is_small() -> None:
    lines = [line for path in EXAMPLE.rglob("*.py") for line in path.read_text(encoding="utf-8").splitlines()]

    assert len(lines) <= MAX_LINES


def test_the_readme_holds_all_of_it() -> None:
    shown = {block.text for block in blocks(EXAMPLE / "README.md")}

    for file in ("function_app.py", "agents/announcer.md", "host.json"):
        assert (EXAMPLE / file).read_text(encoding="utf-8") in shown, file


def test_it_imports_nothing_of_ours_but_the_library() -> None:
    rooms = {path.name for path in ROOT.iterdir() if (path / "__init__.py").exists()} - {"murmuration"}
    text = (EXAMPLE / "function_app.py").read_text(encoding="utf-8")

    assert not [room for room in rooms if f"from {room}" in text or f"import {room}" in text]
