"""The story of examples/own_app, told by its README: a run waits for a person, its host is killed, the run goes on."""

import json
import shutil
from pathlib import Path
from typing import Any

from tests.examples.readme import Reader, blocks

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "own_app"
READY = "listening on"


def copy(folder: Path) -> Path:
    """Copy the app to a folder of its own, without what running it may have left behind."""
    return shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns(".*", "__pycache__", "local.settings.json"))


def play(reader: Reader) -> Any:
    """Do what the README says below the installation; returns the run in the end."""
    settings, model, host, begin, gates, decide, status = commands()[1:]
    reader.run(settings)
    path = reader.folder / "local.settings.json"
    text = path.read_text(encoding="utf-8").replace("7073", str(reader.ports["7073"]))
    store = (reader.folder / "artifacts").as_uri()
    path.write_text(text.replace("file:///tmp/announcements", store), encoding="utf-8")
    try:
        reader.start(model, "7073", READY)
        reader.start(host, "7071", READY)
        reader.run(begin)
        gate = reader.run_until(gates, lambda output: "link" in output)
        reader.kill("7071")
        reader.start(host, "7071", READY)
        reader.run(decide.replace("LINK", json.loads(gate)["gates"][0]["link"]))
        return json.loads(reader.run_until(status, lambda output: '"output": {' in output))
    finally:
        reader.stop()


def commands() -> list[str]:
    """The README's blocks of commands."""
    return [block.text for block in blocks(EXAMPLE / "README.md") if block.language == "sh"]
