"""Many facts, some repeated and some contradicted, through the real services: the promises of the benchmark."""

import json
import subprocess
import sys
from pathlib import Path


def test_repeated_facts_are_stored_once_and_superseded_ones_are_not_recalled() -> None:
    command = [sys.executable, "-m", "benchmarks.memory_quality", "--facts", "200", "--json"]
    root = Path(__file__).parents[2]

    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)  # noqa: S603

    figures = json.loads(done.stdout)
    assert (figures["repeats"], figures["contradictions"]) == (20, 10)
    assert (figures["stored"], figures["stored_twice"], figures["repeated"]) == (180, 0, 20)
    assert (figures["superseded"], figures["recalled_old_now"]) == (10, 0)
    assert (figures["recalled_new_now"], figures["recalled_old_before"], figures["recalled_new_before"]) == (10, 10, 0)
