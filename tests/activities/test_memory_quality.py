"""Many facts, some said again and some contradicted, through the real servers: the benchmark's own promises."""

import json
import subprocess
import sys
from pathlib import Path


def test_repeats_are_kept_once_and_what_is_superseded_is_not_recalled() -> None:
    command = [sys.executable, "-m", "benchmarks.memory_quality", "--facts", "200", "--json"]
    root = Path(__file__).parents[2]

    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)  # noqa: S603 - our own

    figures = json.loads(done.stdout)
    assert (figures["repeats"], figures["contradictions"]) == (20, 10)
    assert (figures["stored"], figures["stored_twice"], figures["repeated"]) == (180, 0, 20)
    assert (figures["superseded"], figures["recalled_old_now"]) == (10, 0)
    assert (figures["recalled_new_now"], figures["recalled_old_before"], figures["recalled_new_before"]) == (10, 10, 0)
