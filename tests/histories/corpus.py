"""The files of the corpus: `<version>/<orchestrator>/<path>.json`."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path

import azure.durable_functions as df

import murmuration.approval.approval_gate  # noqa: F401 - registers the workflow
from loopback.functions import protocol as wire
from loopback.functions.replay.recorded import Recorded
from murmuration.durable.registry import WORKFLOWS, import_all
from simulation.records import EPOCH
from simulation.scripted import Trace
from simulation.virtual_host import VERSION

FOLDER = Path(__file__).parent
import_all("orchestrators")
ORCHESTRATORS = {
    name: workflow
    for name, workflow in WORKFLOWS.items()
    if workflow.__module__.startswith(("orchestrators.", "murmuration."))  # tests register workflows, too
}
HANDLES: Mapping[str, Callable[[str], str]] = {
    name: df.Orchestrator.create(each) for name, each in ORCHESTRATORS.items()
}


def kept() -> list[Path]:
    """Every file, of all versions."""
    return sorted(FOLDER.glob("*/*/*.json"))


def place_of(orchestrator: str, path: str) -> Path:
    """Where a history of the current version is kept."""
    return FOLDER / VERSION / orchestrator / f"{path}.json"


def of(orchestrator: str, trace: Trace) -> Recorded:
    """A simulated run as the host would have kept it."""
    started = trace.history[1]
    result = json.dumps(trace.output)
    ended = wire.event(wire.EXECUTION_COMPLETED, EPOCH, Result=result, OrchestrationStatus="Completed")
    ended["Timestamp"] = trace.history[-1]["Timestamp"]
    events = [*trace.history[:-1], ended, trace.history[-1]]
    return Recorded(orchestrator, "run-1", None, started["Input"], events)


def write(recorded: Recorded, place: Path) -> None:
    """A line for each event, so that a change can be read in a comparison of files."""
    head = {name: value for name, value in asdict(recorded).items() if name != "events"}
    events = ",\n".join(json.dumps(event, separators=(",", ":")) for event in recorded.events)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(f'{json.dumps(head)[:-1]}, "events": [\n{events}\n]}}\n', encoding="utf-8", newline="\n")
