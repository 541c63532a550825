"""`python -m benchmarks.host [--rounds N] [--json]`: the Functions host as a process of its own on a SQLite file.

Each figure is the median of `--rounds` runs, from the start request to the output. The window runs 50 chains of two
steps of 0.2 s, 20 at once; its ideal makespan is three full rounds of 0.4 s.
"""

import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from benchmarks.host_process import HostProcess
from benchmarks.report import make_parser, show

PACKAGE = Path(__file__).resolve().parent.parent / "packages" / "azure-on-loopback"
APP = PACKAGE / "tests" / "functions" / "apps" / "basic"
IDEAL_WINDOW_SECONDS = 1.2


def run(url: str, name: str, value: dict[str, Any]) -> float:
    """Run an orchestrator; returns the seconds until its output."""
    body = json.dumps(value).encode()
    began = time.perf_counter()
    path = f"{url}/runtime/webhooks/durabletask/orchestrators/{name}?timeout=60&pollingInterval=1"
    with urlopen(Request(path, data=body), timeout=90) as answer:  # noqa: S310 - loopback
        if answer.status != 200:
            raise RuntimeError(f"{name} did not end in time")
        output = answer.read().decode()
    seconds = time.perf_counter() - began
    if "failed:" in output:  # a run that fails at once is no figure
        raise RuntimeError(output)
    return seconds


def main() -> None:
    """Run every job on one host."""
    parser = make_parser(__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    window = {"jobs": 50, "window": 20, "nap": 0.2, "nudge": True}
    jobs: dict[str, tuple[str, dict[str, Any]]] = {
        "fan_out_100_seconds": ("fan_out", {"activity": "nap", "count": 100, "value": 0.2}),
        "fan_out_1000_seconds": ("fan_out", {"activity": "nap", "count": 1000, "value": 0.2}),
        "chain_100_seconds": ("chain", {"count": 100}),
        "chain_300_seconds": ("chain", {"count": 300}),
        "window_50_seconds": ("window", window),
        "window_50_short_with_retries_seconds": ("window", {**window, "nap": 0.1, "retries": 3}),
    }
    with tempfile.TemporaryDirectory() as folder, HostProcess(str(APP), Path(folder) / "data") as host:
        url = host.url
        run(url, "chain", {"count": 1})
        figures = {
            name: round(statistics.median(run(url, *job) for _ in range(options.rounds)), 3)
            for name, job in jobs.items()
        }
        without = round(run(url, "window", {**window, "nudge": False}), 3)
    figures["window_50_ratio_to_ideal"] = round(figures["window_50_seconds"] / IDEAL_WINDOW_SECONDS, 3)
    figures["window_50_without_nudge_seconds"] = without
    show(figures, as_json=options.json)


if __name__ == "__main__":
    main()
