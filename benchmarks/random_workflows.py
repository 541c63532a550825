"""`python -m benchmarks.random_workflows [--runs N] [--seed N] [--kills N] [--async] [--json]`: programs and kills.

Runs random workflow programs (`benchmarks.workflow_programs`) on a host process over HTTP, many at once. `kill -9` ends
the host at random moments, and it is started again on the same data; a failed request is repeated. In the end every
output and custom status must equal the model's, and every activity must have run as often as needed. The exit status is
1 if a result is wrong or a run lost: gone, or without an end after two minutes. A program depends on the seed and its
number alone; `--only N` runs one.

`duplicate_activity_runs` are a fault only without kills: delivery is at least once.
"""

import asyncio
import json
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import aiohttp

from benchmarks.host_process import HostProcess
from benchmarks.report import make_parser, show
from benchmarks.workflow_driver import Driver, Run
from benchmarks.workflow_programs import expected, program

MAX_PRINTED = 5
"""Faults of each kind that are printed."""


async def campaign(runs: list[Run], app: str, kills: int, seed: int, folder: Path) -> int:
    """Run all of them; returns the number of kills."""
    files = folder / "files"
    files.mkdir()
    timeout = aiohttp.ClientTimeout(total=30)
    with HostProcess(app, folder / "data") as host:
        async with aiohttp.ClientSession(timeout=timeout) as session:
            driver = Driver(host, files, session, random.Random(seed))
            await driver.drive(runs, kills)
    return driver.kills


def activity_runs(runs: list[Run], trace: Path) -> tuple[int, int, list[str]]:
    """Return the number of activity runs, the number of superfluous ones, and the missing ones."""
    lines = trace.read_text(encoding="utf-8").splitlines() if trace.exists() else []
    ran = Counter(lines)
    needed: Counter[str] = Counter()
    for run in runs:
        steps = expected(run.rounds, run.start).activities
        needed.update({f"{run.id} {step}": count for step, count in steps.items()})
    missing = [f"{key} ran {ran[key]} times instead of {count}" for key, count in needed.items() if ran[key] < count]
    return len(lines), (ran - needed).total(), missing


def main() -> int:
    parser = make_parser(__doc__)
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=None, help="default: a random one")
    parser.add_argument("--kills", type=int, default=50, help="number of kills (default: 50)")
    parser.add_argument("--only", type=int, default=None, metavar="N", help="run the program of this number alone")
    parser.add_argument("--async", action="store_true", dest="coroutines", help="coroutines, with trees side by side")
    options = parser.parse_args()
    app = "async_workflows" if options.coroutines else "random_workflows"
    seed = random.randrange(10**6) if options.seed is None else options.seed
    print(f"seed {seed}", file=sys.stderr, flush=True)
    numbers = range(options.runs) if options.only is None else [options.only]
    runs = [
        Run(number, program(random.Random(f"{seed}/{number}"), trees=options.coroutines), number) for number in numbers
    ]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        began = time.perf_counter()
        kills = asyncio.run(campaign(runs, app, options.kills, seed, Path(name)))
        seconds = time.perf_counter() - began
        ran, duplicates, missing = activity_runs(runs, Path(name) / "files" / "trace")
    problems = [(run, problem) for run in runs if (problem := run.problem()) is not None]
    for run, problem in problems[:MAX_PRINTED]:
        print(f"seed {seed}, --only {run.number}: {problem}\n{json.dumps(run.rounds)}", file=sys.stderr)
    print("\n".join(missing[:MAX_PRINTED]), file=sys.stderr, end="\n" if missing else "")
    lost = sum(run.answer is None for run, _ in problems)
    show(
        {
            "seed": seed,
            "runs": len(runs),
            "kills": kills,
            "activity_runs": ran,
            "duplicate_activity_runs": duplicates,
            "missing_activity_runs": len(missing),
            "wrong_results": len(problems) - lost,
            "lost_runs": lost,
            "seconds": round(seconds, 1),
            "runs_per_second": round(len(runs) / seconds, 1),
        },
        as_json=options.json,
    )
    return 1 if problems or missing or (duplicates and not kills) else 0


if __name__ == "__main__":
    sys.exit(main())
