"""`python -m benchmarks.async_cost [--rounds N] [--json]`: what coroutines cost against plain generators.

Runs the same jobs as a plain generator and as a coroutine, by turns, on one Functions host. Figures are the least of
all rounds, from the start request to the output; ratios divide the coroutine's by the generator's. The window runs 50
coroutines of two steps of 0.2 s, at most 20 at once, under the real host's replay rules; its ideal is three full rounds
of 0.4 s.
"""

import tempfile
from pathlib import Path
from typing import Any

from benchmarks.host import IDEAL_WINDOW_SECONDS, run
from benchmarks.host_process import HostProcess
from benchmarks.report import make_parser, show

WINDOW: dict[str, Any] = {"count": 50, "limit": 20, "nap": 0.2}
JOBS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "at_once_100": ("plain_fan_out", "async_fan_out", {"count": 100, "nap": 0.2}),
    "at_once_100_gather": ("plain_fan_out", "async_gather", {"count": 100, "nap": 0.2}),
    "at_once_1000": ("plain_fan_out", "async_fan_out", {"count": 1_000, "nap": 0.2}),
    "chain_100": ("plain_chain", "async_chain", {"count": 100}),
}


def main() -> None:
    parser = make_parser(__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    figures: dict[str, float | int | str | None] = {}
    with tempfile.TemporaryDirectory() as folder, HostProcess("async_cost", Path(folder) / "data") as host:
        run(host.url, "plain_chain", {"count": 1})
        for name, (plain, coroutine, job) in JOBS.items():
            seconds = [(run(host.url, plain, job), run(host.url, coroutine, job)) for _ in range(options.rounds)]
            generator, awaited = (min(column) for column in zip(*seconds, strict=True))
            figures[f"{name}_plain_seconds"] = round(generator, 3)
            figures[f"{name}_async_seconds"] = round(awaited, 3)
            figures[f"{name}_ratio"] = round(awaited / generator, 3)
        window = min(run(host.url, "async_window", WINDOW) for _ in range(options.rounds))
    figures["window_50_seconds"] = round(window, 3)
    figures["window_50_ratio_to_ideal"] = round(window / IDEAL_WINDOW_SECONDS, 3)
    show(figures, as_json=options.json)


if __name__ == "__main__":
    main()
