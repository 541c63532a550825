"""`python -m benchmarks.langgraph_comparison [--json]`: 200 runs of five trivial steps at once, here and in LangGraph.

Both write every step to SQLite on the same disk before the next begins, and both recover after a kill. They differ
otherwise:

- The local host: runs are started and polled over HTTP; the driver and the host are two processes. Each step is an
  activity, delivered at least once by the host itself; the orchestrator is replayed for every step. SQLite runs with
  synchronous=NORMAL, so a power cut may lose the last moments.
- LangGraph: `ainvoke` in the measuring process, without HTTP or server; `durability="sync"` with AsyncSqliteSaver on a
  file. Steps are nodes; the user must restart a run after a crash. Its saver leaves SQLite at synchronous=FULL, which
  waits for the disk at each commit; the figure with NORMAL compares like with like.

Each figure is the median of `ROUNDS` runs, in turns, each in a fresh process with a fresh file, after one warm-up run.
LangGraph is installed into an environment in a temporary folder; this project does not use it.
"""

import asyncio
import json
import os
import statistics
import subprocess
import tempfile
import time
import venv
from pathlib import Path

import aiohttp

from benchmarks.host_process import ROOT, HostProcess, run_all
from benchmarks.report import make_parser, show

PACKAGES = ("langgraph==1.2.22", "langgraph-checkpoint-sqlite==3.1.2")
RUNS = 200
STEPS = 5
ROUNDS = 5


def langgraph_python(folder: Path) -> Path:
    """Make an environment with LangGraph and return its Python."""
    venv.create(folder, with_pip=True)
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES], check=True, capture_output=True)
    return python


def langgraph_seconds(python: Path, file: Path, *options: str) -> float:
    script = ROOT / "benchmarks" / "langgraph_runs.py"
    command = [str(python), str(script), str(RUNS), str(STEPS), str(file), *options]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return float(json.loads(done.stdout)["seconds"])


async def host_seconds(data: Path) -> float:
    with HostProcess("steps", data) as host:
        async with aiohttp.ClientSession() as session:
            value = {"steps": STEPS}
            await run_all(session, host.url, "chain", value, prefix="warm-up")
            began = time.perf_counter()
            await run_all(session, host.url, "chain", value, prefix="run", count=RUNS)
            return time.perf_counter() - began


def main() -> None:
    options = make_parser(__doc__).parse_args()
    ours, full, normal = [], [], []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        python = langgraph_python(folder / "langgraph")
        for number in range(ROUNDS):
            ours.append(asyncio.run(host_seconds(folder / f"host-{number}")))
            full.append(langgraph_seconds(python, folder / f"full-{number}.db"))
            normal.append(langgraph_seconds(python, folder / f"normal-{number}.db", "--normal"))
    host, theirs, theirs_normal = (RUNS / statistics.median(seconds) for seconds in (ours, full, normal))
    show(
        {
            "host_runs_per_second": round(host, 1),
            "langgraph_runs_per_second": round(theirs, 1),
            "langgraph_normal_runs_per_second": round(theirs_normal, 1),
            "host_to_langgraph_ratio": round(host / theirs, 2),
            "host_to_langgraph_normal_ratio": round(host / theirs_normal, 2),
        },
        as_json=options.json,
    )


if __name__ == "__main__":
    main()
