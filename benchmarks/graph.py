"""`python -m benchmarks.graph [--graphs N] [--seed N] [--watch SECONDS] [--json]`: how well tasks are scheduled.

Random graphs of 12 to 50 tasks with log-normal times, at most 5, at most 10, or any number at once, are run by the
product's own graph on the real SDK under the real host's rules, in virtual time. `ideal_ratio` is the makespan
divided by that of a scheduler that starts each task the moment it may, the worst of all graphs; `wave_ratio` divides
the sum of all makespans by that of going level by level. Then a goal of 50 tasks, and 200 waiting gates, on the local
cloud.
"""

import asyncio
import random
import sys
import tempfile
from pathlib import Path

from benchmarks.goals_on_host import large_goal, open_gates
from benchmarks.random_graphs import eager_seconds, orchestrated_seconds, random_graph, wave_seconds
from benchmarks.report import make_parser, show
from simulation.run import quiet

SIZES = (12, 50)
GATES = 200


def random_graphs(count: int, seed: int) -> dict[str, float]:
    """Schedule `count` random graphs in virtual time and compare."""
    ratios, ours, waves, episodes = [], 0.0, 0.0, 0
    for number in range(count):
        graph = random_graph(random.Random(f"{seed}/{number}"), SIZES)
        seconds, replays = orchestrated_seconds(graph)
        ratios.append(seconds / eager_seconds(graph))
        ours, waves, episodes = ours + seconds, waves + wave_seconds(graph), episodes + replays
    return {
        "graphs": count,
        "episodes": episodes,
        "ideal_ratio": round(max(ratios), 4),
        "ideal_ratio_mean": round(sum(ratios) / count, 4),
        "wave_ratio": round(ours / waves, 4),
    }


def main() -> int:
    parser = make_parser(__doc__)
    parser.add_argument("--graphs", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--watch", type=float, default=30, metavar="SECONDS", help="how long waiting gates are watched")
    options = parser.parse_args()
    quiet()
    figures: dict[str, float] = {"seed": options.seed}
    figures |= random_graphs(options.graphs, options.seed)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        figures |= asyncio.run(large_goal(Path(folder) / "goal", options.seed))
        figures |= asyncio.run(open_gates(Path(folder) / "gates", GATES, options.watch))
    show(figures, as_json=options.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
