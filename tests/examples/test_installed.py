"""`pip install` in an empty environment gives the library and the local cloud: the app runs with nothing else there.

`python -m pytest -m installed` runs it; it needs a package index.
"""

import shutil
import sys
from pathlib import Path

import pytest

from tests.examples.own_app import ROOT, commands, copy, play
from tests.examples.readme import Reader

BUILT = (".*", "__pycache__", "build", "*.egg-info")


@pytest.mark.installed
@pytest.mark.skipif(sys.platform == "win32", reason="the commands are those of a POSIX shell")
def test_an_app_runs_on_what_pip_installs(tmp_path: Path) -> None:
    # A build leaves files beside its sources, so a copy of them is built.
    clone = shutil.copytree(ROOT, tmp_path / "clone", ignore=shutil.ignore_patterns(*BUILT))
    folder = copy(tmp_path / "own")
    reader = Reader(folder, folder / ".venv" / "bin", PIP_DISABLE_PIP_VERSION_CHECK="1")
    reader.run(commands()[0].replace("python3", sys.executable).replace("CLONE", str(clone)))
    shutil.rmtree(clone)

    assert play(reader)["output"] == {"state": "approved", "text": "The office moves to Bath on 1 May."}
