"""`python -m benchmarks.host_memory [--runs N] [--json]`: the cost of many ended runs to a host.

Runs short chains, `BATCH` at a time, and leaves them in the store. Reports the host's resident memory (null without
/proc) before and after a restart on the same data, and the median time of an HTTP answer after the restart, from the
request to the last byte: lists of `PAGE` runs, and the status of one.
"""

import asyncio
import statistics
import tempfile
import time
from pathlib import Path

import aiohttp

from benchmarks.host_process import BASE, HostProcess, run_all
from benchmarks.report import make_parser, show

STEPS = 3
BATCH = 200
PAGE = "100"
REQUESTS = 50
MEBIBYTE = 1024 * 1024


def lists(runs: int) -> dict[str, dict[str, str]]:
    """Return queries by the name of their figure; the prefix is that of the newest runs, which a scan meets last."""
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
    """Return the median of `REQUESTS` requests."""
    seconds = []
    for _ in range(REQUESTS):
        began = time.perf_counter()
        async with session.get(url, params=query) as answer:
            answer.raise_for_status()
            await answer.read()
        seconds.append(time.perf_counter() - began)
    return round(statistics.median(seconds) * 1000, 2)


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
                url = f"{host.url}{BASE}/instances"
                figures[f"{name}_milliseconds"] = await milliseconds(session, url, {"top": PAGE, **query})
            one = f"{host.url}{BASE}/instances/run-0-0"
            figures["status_milliseconds"] = await milliseconds(session, one, {})
    return figures


def mebibytes(host: HostProcess) -> float | None:
    resident = host.resident_bytes()
    return None if resident is None else round(resident / MEBIBYTE, 1)


def main() -> None:
    parser = make_parser(__doc__)
    parser.add_argument("--runs", type=int, default=10_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        show(asyncio.run(measure(options.runs, Path(name) / "data")), as_json=options.json)


if __name__ == "__main__":
    main()
