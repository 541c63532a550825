"""Replays recorded histories in other processes: with other hash seeds, shifted clocks and another environment.

`python -m benchmarks.replay_elsewhere MODULE SEED` is such a process. It reads histories, replays them on the
`HANDLES` of the module, and prints the differences.
"""

import importlib
import inspect
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from loopback.functions.replay.recorded import Recorded, differences
from murmuration.durable.workflow import Flow

ROOT = Path(__file__).resolve().parent.parent
SEEDS = (1, 2, 3, 4)
SHIFT_SECONDS = 86_400 * 3 + 7_777.7
"""The clock of each process goes ahead so many times its seed."""
NOT_THE_WORKFLOWS_OWN = (str(ROOT / "murmuration" / "durable"), __file__)
NEW = ("new: ", "the code schedules ", "in another order: ", "and is ")
"""Marks in a message, before the calls that a replay makes and the history does not hold."""
ZONES = ("JST-9", "EST5")


@dataclass(frozen=True)
class Difference:
    """A replay that would not do what the history holds."""

    workflow: str
    number: int
    """The history, counted from 0."""
    seed: int
    what: str
    where: str
    """File and line of the call that differs; of the workflow, where a call is missing."""


class Calls:
    """The lines that call activities and sub-orchestrations, by name, of the latest replay of a handle."""

    def __init__(self) -> None:
        self._lines: dict[str, str] = {}

    @contextmanager
    def noted(self) -> Iterator["Calls"]:
        """Note the calls of all workflows."""
        originals = {name: getattr(Flow, name) for name in ("activity", "sub_orchestration")}
        for name, method in originals.items():
            setattr(Flow, name, self._noting(method))
        try:
            yield self
        finally:
            for name, method in originals.items():
                setattr(Flow, name, method)

    def _noting(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def noting(flow: Flow, name: str, *arguments: Any, **options: Any) -> Any:
            frame = inspect.currentframe()
            while frame is not None and frame.f_code.co_filename.startswith(NOT_THE_WORKFLOWS_OWN):
                frame = frame.f_back
            if frame is not None:
                self._lines[name] = f"{frame.f_code.co_filename}:{frame.f_lineno}"
            return method(flow, name, *arguments, **options)

        return noting

    def of(self, handle: Callable[[str], str]) -> Callable[[str], str]:
        """The handle; each replay begins the notes anew."""

        def noted(body: str) -> str:
            self._lines.clear()
            return handle(body)

        return noted

    def where(self, what: str, handle: Any) -> str:
        """The line of the first call that `what` says is new; the first line of the workflow where none is."""
        new = next((new for mark in NEW if (new := what.partition(mark)[2])), "")
        for name in re.findall(r"(?:activity|sub-orchestration|functionName\W+)\s?([^\s,']+)", new):
            if name in self._lines:
                return self._lines[name]
        code = inspect.unwrap(handle.orchestrator_function).__code__
        return f"{code.co_filename}:{code.co_firstlineno}"


def replay_elsewhere(module: str, histories: Sequence[Recorded], seeds: Sequence[int] = SEEDS) -> list[Difference]:
    """Replay the histories on the `HANDLES` of the module, in a process for each seed."""
    text = "".join(json.dumps(asdict(history)) + "\n" for history in histories)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return [
            found for differing in pool.map(lambda seed: _process(module, text, seed), seeds) for found in differing
        ]


def _process(module: str, text: str, seed: int) -> list[Difference]:
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "packages/azure-on-loopback/src")]),
        "PYTHONHASHSEED": str(seed),
        "HOSTNAME": f"worker-{seed}",
        "TZ": ZONES[seed % len(ZONES)],
        "LC_ALL": "C" if seed % 2 else "C.UTF-8",
    }
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, f"of-{seed}").touch()
        command = [sys.executable, "-m", "benchmarks.replay_elsewhere", module, str(seed)]
        run = subprocess.run(
            command, input=text.encode(), cwd=folder, env=environment, capture_output=True, check=False
        )
    if run.returncode:
        raise RuntimeError(run.stderr.decode())
    return [Difference(*json.loads(line)) for line in run.stdout.decode().splitlines()]


def _shift_clocks(seconds: float) -> None:
    for name in ("time", "monotonic", "perf_counter"):
        clock: Callable[[], float] = getattr(time, name)
        setattr(time, name, lambda clock=clock: clock() + seconds)


def main() -> None:
    module, seed = sys.argv[1], int(sys.argv[2])
    _shift_clocks(seed * SHIFT_SECONDS)
    warnings.simplefilter("ignore")
    handles: Mapping[str, Any] = importlib.import_module(module).HANDLES
    with Calls().noted() as calls:
        for number, line in enumerate(sys.stdin):
            recorded = Recorded(**json.loads(line))
            handle = handles[recorded.name]
            what = "\n".join(differences(calls.of(handle), recorded))
            if what:
                print(json.dumps([recorded.name, number, seed, what, calls.where(what, handle)]))


if __name__ == "__main__":
    main()
