"""`python -m benchmarks.slow_completions [--json]`: the cost of activities that end one by one.

One run fans out `ACTIVITIES` activities whose ends are spread evenly over `SPREAD_SECONDS`. Each end may wake the
orchestrator, which is replayed over the whole history. Reports the CPU seconds of the host from the start request to
the end (null without /proc), and the wall seconds, at best `SPREAD_SECONDS`.
"""

import asyncio
import tempfile
import time
from pathlib import Path

import aiohttp

from benchmarks.host_process import HostProcess, run_all
from benchmarks.report import make_parser, show

ACTIVITIES = 1000
SPREAD_SECONDS = 10


async def measure(data: Path) -> dict[str, float | int | str | None]:
    with HostProcess("steps", data) as host:
        async with aiohttp.ClientSession() as session:
            await run_all(session, host.url, "chain", {"steps": 1}, prefix="warm-up")
            before, began = host.cpu_seconds(), time.perf_counter()
            value = {"count": ACTIVITIES, "seconds": SPREAD_SECONDS}
            await run_all(session, host.url, "spread", value, prefix="spread")
            wall, after = time.perf_counter() - began, host.cpu_seconds()
    cpu = None if before is None or after is None else round(after - before, 2)
    return {"activities": ACTIVITIES, "cpu_seconds": cpu, "wall_seconds": round(wall, 2)}


def main() -> None:
    options = make_parser(__doc__).parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        show(asyncio.run(measure(Path(name) / "data")), as_json=options.json)


if __name__ == "__main__":
    main()
