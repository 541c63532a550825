"""`python -m simulation [--runs N] [--seed N] [--only N] [--json]`: thousands of goals under faults.

Random goals run through the real orchestrators, on the real SDK under the real host's rules, in one thread and in
virtual time. Steps crash before and after their effect, are refused with a Retry-After, fail, or take too long. The
host dies between replay and commit. People vote early, late, twice, or in another's name. When a goal has ended, a
checker for each property (`simulation.properties`) looks at what it left. Each checker must also find a bug that was
planted for it; the time of that is not in `seconds`.

A run depends on the seed and its number alone. One that breaks a property is printed with the command that repeats it,
and stored below `.murmuration/simulation/`. The exit status is 1 if there is one, or if a planted bug is not found.
"""

import argparse
import json
import random
import sys
import time
from collections import Counter
from pathlib import Path

from benchmarks.report import show
from simulation.planted_bugs import PLANTED_BUGS, first_catch
from simulation.run import Report, quiet, simulate_goal, simulate_without_restarts_too

FAILURES = Path(__file__).resolve().parent.parent / ".murmuration" / "simulation"
RESTARTS_COMPARED_EVERY = 40
"""One in so many runs is repeated without restarts of the host."""
MAX_PRINTED = 5


def run_one(seed: int, number: int) -> Report:
    name = f"{seed}/{number}"
    return simulate_goal(name) if number % RESTARTS_COMPARED_EVERY else simulate_without_restarts_too(name)


def store_failure(seed: int, number: int, report: Report) -> Path:
    """Write what broke to a file, with the command that repeats it."""
    FAILURES.mkdir(parents=True, exist_ok=True)
    path = FAILURES / f"{seed}-{number}.json"
    failure = {
        "command": f"python -m simulation --seed {seed} --only {number}",
        "broken": [{"property": property_number, "found": what} for property_number, what in report.violations],
    }
    path.write_text(json.dumps(failure, indent=1) + "\n", encoding="utf-8")
    return path


def main() -> int:
    options = _options()
    seed = random.randrange(10**6) if options.seed is None else options.seed
    print(f"seed {seed}", file=sys.stderr, flush=True)
    quiet()
    began, cpu = time.perf_counter(), time.process_time()
    faults: Counter[str] = Counter()
    episodes = gates = violations = 0
    numbers = range(options.runs) if options.only is None else [options.only]
    for number in numbers:
        report = run_one(seed, number)
        faults.update(report.faults)
        episodes, gates = episodes + report.episodes, gates + report.gates
        if report.violations:
            violations += len(report.violations)
            path = store_failure(seed, number, report)
            if violations <= MAX_PRINTED or options.only is not None:
                what = "; ".join(f"property {broken}: {what}" for broken, what in report.violations)
                print(f"--seed {seed} --only {number}: {what} (stored in {path})", file=sys.stderr)
    seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - cpu
    bugs = PLANTED_BUGS if options.only is None else ()
    missed = [bug for bug in bugs if first_catch(bug) is None]
    for bug in missed:
        print(f"planted and not found: {bug.what}", file=sys.stderr)
    show(
        {
            "seed": seed,
            "runs": len(numbers),
            "gates": gates,
            "episodes": episodes,
            "faults": faults.total(),
            **{f"faults_{name}": count for name, count in sorted(faults.items())},
            "violations": violations,
            "planted": len(bugs),
            "caught": len(bugs) - len(missed),
            "seconds": round(seconds, 1),
            "cpu_seconds": round(cpu_seconds, 1),
        },
        as_json=options.json,
    )
    return 1 if violations or missed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "python -m simulation", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=None, help="default: a random one")
    parser.add_argument("--only", type=int, default=None, metavar="N", help="run the goal of this number alone")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
