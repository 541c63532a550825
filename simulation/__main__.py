"""`python -m simulation.__main__ [--runs N] [--seed N] [--only N] [--json]`: thousands of goals, and what goes wrong.

In one thread and in virtual time: random goals through the real orchestrators, on the real SDK under the real host's
rules, in a world in which steps crash before and after their effect, are refused with a Retry-After, fail, or take too
long; the host dies between replay and commit; and people answer early, late, twice, or are not who they say. When a
goal has ended, a checker for each property looks at what was left (`simulation.properties`). Each checker is
shown a bug that was planted for it, and has to find it; the time of that is not in `seconds`.

A run depends on the seed and its number alone. One that breaks a property is printed with the command that repeats it,
and kept below `.murmuration/simulation/`. Exit status 1 if there is one, or a planted bug is not found.
"""

import argparse
import json
import random
import sys
import time
from collections import Counter
from pathlib import Path

from benchmarks.report import show
from simulation.planted_bugs import PLANTS, caught
from simulation.run import Report, outlives_restarts, quiet, simulated

KEPT = Path(__file__).resolve().parent.parent / ".murmuration" / "simulation"
COMPARED = 40
"""Of so many runs, one is run again without restarts of the host."""
SHOWN = 5


def one(seed: int, number: int) -> Report:
    name = f"{seed}/{number}"
    return simulated(name) if number % COMPARED else outlives_restarts(name)


def keep(seed: int, number: int, report: Report) -> Path:
    """What broke, with the command that repeats it, as a file."""
    KEPT.mkdir(parents=True, exist_ok=True)
    place = KEPT / f"{seed}-{number}.json"
    found = [{"property": each, "found": what} for each, what in report.broken]
    command = f"python -m simulation.__main__ --seed {seed} --only {number}"
    place.write_text(json.dumps({"command": command, "broken": found}, indent=1) + "\n", encoding="utf-8")
    return place


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=None, help="default: a random one")
    parser.add_argument("--only", type=int, default=None, metavar="N", help="run the goal of this number alone")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    options = parser.parse_args()
    seed = random.randrange(10**6) if options.seed is None else options.seed
    print(f"seed {seed}", file=sys.stderr, flush=True)
    quiet()
    began, cpu = time.perf_counter(), time.process_time()
    faults: Counter[str] = Counter()
    broken: Counter[int] = Counter()
    episodes = gates = 0
    numbers = range(options.runs) if options.only is None else [options.only]
    for number in numbers:
        report = one(seed, number)
        faults.update(report.faults)
        episodes, gates = episodes + report.episodes, gates + report.gates
        if report.broken:
            broken.update(each for each, _ in report.broken)
            place = keep(seed, number, report)
            if broken.total() <= SHOWN or options.only is not None:
                what = "; ".join(f"property {each}: {found}" for each, found in report.broken)
                print(f"--seed {seed} --only {number}: {what} (kept in {place})", file=sys.stderr)
    seconds, used = time.perf_counter() - began, time.process_time() - cpu
    found = [] if options.only is not None else [plant for plant in PLANTS if caught(plant) is not None]
    missed = [] if options.only is not None else [plant.what for plant in PLANTS if plant not in found]
    print("\n".join(f"not found: {each}" for each in missed), file=sys.stderr, end="\n" if missed else "")
    show(
        {
            "seed": seed,
            "runs": len(numbers),
            "gates": gates,
            "episodes": episodes,
            "faults": faults.total(),
            **{f"faults_{name}": count for name, count in sorted(faults.items())},
            "violations": broken.total(),
            "planted": len(PLANTS) if options.only is None else 0,
            "caught": len(found),
            "seconds": round(seconds, 1),
            "cpu_seconds": round(used, 1),
        }
    )
    return 1 if broken or missed else 0


if __name__ == "__main__":
    sys.exit(main())
