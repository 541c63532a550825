"""`python -m benchmarks.determinism [--runs N] [--seed N] [--processes N] [--json]`: do replays differ?

Runs random workflows (`benchmarks.random_trees`) on the virtual host, which restarts at random and delivers results in
random order. Then replays their histories, and those of `tests/histories`, in processes with other hash seeds, clocks
and environments. The exit status is 1 if one replay schedules anything else, or in another order.
"""

import os
import sys
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from random import Random

from benchmarks.random_trees import HANDLES, random_tree, record
from benchmarks.replay_elsewhere import Difference, replay_elsewhere
from benchmarks.report import make_parser, show
from loopback.functions.replay.recorded import Recorded
from simulation.virtual_host import Violation
from tests.histories.corpus import all_histories

BATCH = 500
MAX_PRINTED = 5


def record_runs(seed: int, numbers: range) -> list[Recorded]:
    """Record random workflows; raises `Violation` when a replay differs already then."""
    warnings.simplefilter("ignore")
    histories = []
    for number in numbers:
        chance = Random(f"{seed}/{number}")
        try:
            histories += record("tree", HANDLES, random_tree(chance), chance)
        except Violation as problem:
            raise Violation(problem.number, f"seed {seed}, run {number}: {problem}") from problem
    return histories


def main() -> int:
    parser = make_parser(__doc__)
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=4, metavar="N", help="processes, each with its hash seed")
    options = parser.parse_args()
    began = time.perf_counter()
    seeds = range(1, options.processes + 1)
    batches = [range(first, min(first + BATCH, options.runs)) for first in range(0, options.runs, BATCH)]
    count = episodes = 0
    found: list[Difference] = []
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for histories in pool.map(record_runs, [options.seed] * len(batches), batches):
            count += len(histories)
            episodes += sum(event["EventType"] == 12 for history in histories for event in history.events)
            found += replay_elsewhere("benchmarks.random_trees", histories, seeds)
    corpus = [Recorded.read(file) for file in all_histories()]
    found += replay_elsewhere("tests.histories.corpus", corpus, seeds)
    for difference in found[:MAX_PRINTED]:
        print(difference, file=sys.stderr)
    figures = {
        "seed": options.seed,
        "random_workflows": options.runs,
        "recorded_histories": len(corpus),
        "replayed_histories": count + len(corpus),
        "episodes": episodes,
        "processes": options.processes,
        "differences": len(found),
        "seconds": round(time.perf_counter() - began, 1),
    }
    show(figures, as_json=options.json)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
