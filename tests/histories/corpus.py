"""The files of the corpus: `<version>/<workflow>/<path>.json`."""

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
from simulation.scripted import INSTANCE, Trace
from simulation.virtual_host import VERSION
from tests.histories.versioned import greet

FOLDER = Path(__file__).parent
import_all("orchestrators")
APP_WORKFLOWS = {
    name: workflow
    for name, workflow in WORKFLOWS.items()
    if workflow.__module__.startswith(("orchestrators.", "murmuration."))  # tests register workflows, too
}
HANDLES: Mapping[str, Callable[[str], str]] = {
    name: df.Orchestrator.create(workflow) for name, workflow in {**APP_WORKFLOWS, "greet": greet}.items()
}


def all_histories() -> list[Path]:
    """The files of all versions."""
    return sorted(FOLDER.glob("*/*/*.json"))


def history_path(workflow: str, path: str, version: str = VERSION) -> Path:
    return FOLDER / version / workflow / f"{path}.json"


def recorded(workflow: str, trace: Trace) -> Recorded:
    """A simulated run as the host would have recorded it."""
    started = trace.history[1]
    result = json.dumps(trace.output)
    ended = wire.event(wire.EXECUTION_COMPLETED, EPOCH, Result=result, OrchestrationStatus="Completed")
    ended["Timestamp"] = trace.history[-1]["Timestamp"]
    events = [*trace.history[:-1], ended, trace.history[-1]]
    return Recorded(workflow, INSTANCE, None, started["Input"], events)


def write(history: Recorded, file: Path) -> None:
    """Write a line for each event, so that a comparison of files shows what changed."""
    head = {name: value for name, value in asdict(history).items() if name != "events"}
    events = ",\n".join(json.dumps(event, separators=(",", ":")) for event in history.events)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f'{json.dumps(head)[:-1]}, "events": [\n{events}\n]}}\n', encoding="utf-8", newline="\n")
