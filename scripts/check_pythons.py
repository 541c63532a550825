"""`python -m scripts.check_pythons`: does the app install, load and answer on the other Pythons that it supports?

For every other supported version that is there (on PATH or from pyenv) it makes an environment in a temporary folder,
installs the requirements, indexes the app and runs the demo. Versions that are not there are named and passed over.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path

from scripts.setup_env import ROOT, python_of

PACKAGE = ROOT / "packages" / "azure-on-loopback"
INDEX = "import function_app; print(len(function_app.app.get_functions()))"


class CheckFailed(Exception):
    """A command failed, or the demo has no answer; the message holds what it printed."""


def main() -> int:
    """Check them one after the other; returns 1 when one fails."""
    failed = False
    for version in supported():
        if version == sys.version_info[:2]:
            continue
        name = f"Python {version[0]}.{version[1]}"
        python = find(version)
        if python is None:
            _say(f"{name} is not there: not checked")
            continue
        began = time.monotonic()
        try:
            result = check(python)
        except CheckFailed as problem:
            failed, result = True, f"FAILED\n{problem}"
        _say(f"{name} ({python}), {time.monotonic() - began:.0f} s: {result}")
    return int(failed)


def supported() -> list[tuple[int, int]]:
    """The versions that `requires-python` allows, such as >=3.11,<3.14."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    first, end = re.findall(r"3\.(\d+)", project["requires-python"])
    return [(3, minor) for minor in range(int(first), int(end))]


def find(version: tuple[int, int]) -> Path | None:
    """Find an interpreter of this version. One on PATH may be a shim that leads nowhere, so each is tried."""
    name = f"{version[0]}.{version[1]}"
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    installed = sorted(python_of(folder) for folder in pyenv.glob(f"{name}.*"))
    on_path = shutil.which(f"python{name}")
    for python in [*([Path(on_path)] if on_path else []), *installed]:
        asked = subprocess.run([python, "--version"], capture_output=True, text=True, check=False)  # noqa: S603
        if asked.stdout.startswith(f"Python {name}."):
            return python
    return None


def check(python: Path) -> str:
    """Install, index and answer with this interpreter; returns what came of it, raises `CheckFailed`."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        _run(python, "-m", "venv", "--without-pip", str(folder / "venv"))
        python = python_of(folder / "venv")
        # A build leaves files beside its sources, so a copy is built.
        package = shutil.copytree(PACKAGE, folder / "package", ignore=shutil.ignore_patterns("build", "*.egg-info"))
        pip = ["-m", "pip", "--python", str(python), "install", "--quiet", "--no-compile"]
        _run(Path(sys.executable), *pip, "-r", str(ROOT / "requirements.txt"), str(package), "rich")
        os.environ["PYTHONPYCACHEPREFIX"] = str(folder / "bytecode")
        functions = _run(python, "-c", INDEX)
        demo = _run(python, "-m", "murmuration.cli", "demo", "--json", "--data", str(folder / "data"))
        outcome = json.loads(demo.splitlines()[-1])
        if outcome["status"] != "completed" or not outcome["answer"]:
            raise CheckFailed(f"the demo ended so: {demo}")
        return f"{functions.strip()} functions, the demo answers {outcome['answer'][:60]!r}"


def _run(python: Path, *arguments: str) -> str:
    done = subprocess.run(  # noqa: S603
        [str(python), *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise CheckFailed(f"{' '.join(arguments)}\n{done.stdout}{done.stderr}")
    return done.stdout


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
