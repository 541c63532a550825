"""`python -m benchmarks.host_memory [--runs N] [--json]`: what many ended runs cost a host.

Runs short chains, `BATCH` at a time, and leaves them in the store. Reports the host's resident memory then (null where
there is no /proc), and after a restart on the same data; and the median time of an answer over HTTP after the restart,
from the request to its last byte: lists of `PAGE` runs, and the status of one.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from pathlib import Path

import aiohttp

from benchmarks.host_process import BASE, HostProcess, run_all
from benchmarks.report import show

STEPS = 3
BATCH = 200
PAGE = "100"
REQUESTS = 50
MEBIBYTE = 1024 * 1024


def lists(runs: int) -> dict[str, dict[str, str]]:
    """Queries by the name of their figure. The prefix is that of the newest runs, the last to be met; none runs."""
    newest = {"instanceIdPrefix": f"run-{(runs - 1) // BATCH * BATCH}-"}
    completed = {"runtimeStatus": "Completed"}
    return {
        "list": {},
        "list_by_prefix": newest,
        "list_by_status": completed,
        "list_by_both": {**newest, **completed},
        "list_running": {"runtimeStatus": "Running"},
    }


async def fill(session: aiohttp.ClientSession, url: str, runs: int) -> None:
    for first in range(0, runs, BATCH):
        count = min(BATCH, runs - first)
        await run_all(session, url, "chain", {"steps": STEPS}, prefix=f"run-{first}", count=count)


async def milliseconds(session: aiohttp.ClientSession, url: str, query: dict[str, str]) -> float:
    """The median of `REQUESTS`."""
    taken = []
    for _ in range(REQUESTS):
        began = time.perf_counter()
        async with session.get(url, params=query) as answer:
            answer.raise_for_status()
            await answer.read()
        taken.append(time.perf_counter() - began)
    return round(statistics.median(taken) * 1000, 2)


async def measure(runs: int, data: Path) -> dict[str, float | int | str | None]:
    with HostProcess("steps", data) as host:
        async with aiohttp.ClientSession() as session:
            began = time.perf_counter()
            await fill(session, host.url, runs)
            figures: dict[str, float | int | str | None] = {
                "runs": runs,
                "runs_seconds": round(time.perf_counter() - began, 1),
                "resident_mebibytes": mebibytes(host),
            }
        host.kill()
        began = time.perf_counter()
        host.start()
        figures["restart_seconds"] = round(time.perf_counter() - began, 2)
        figures["resident_mebibytes_after_restart"] = mebibytes(host)
        async with aiohttp.ClientSession() as session:
            for name, query in lists(runs).items():
                taken = await milliseconds(session, f"{host.url}{BASE}/instances", {"top": PAGE, **query})
                figures[f"{name}_milliseconds"] = taken
            one = f"{host.url}{BASE}/instances/run-0-0"
            figures["status_milliseconds"] = await milliseconds(session, one, {})
    return figures


def mebibytes(host: HostProcess) -> float | None:
    resident = host.resident_bytes()
    return None if resident is None else round(resident / MEBIBYTE, 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--json", action="store_true", help="one JSON object")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        show(asyncio.run(measure(options.runs, Path(name) / "data")))


if __name__ == "__main__":
    main()
