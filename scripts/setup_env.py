"""`python3 scripts/setup_env.py`: make `.venv` in this clone and install what the requirement files pin.

Needs only the standard library. Does nothing when the files have not changed since the last time, and touches
nothing outside the clone.
"""

import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".venv"
PACKAGE = ROOT / "packages" / "azure-on-loopback" / "pyproject.toml"
REQUIREMENTS = (ROOT / "requirements.txt", ROOT / "requirements-dev.txt", PACKAGE)
STAMP = FOLDER / "installed.sha256"
OLDEST = (3, 11)


def python_of(folder: Path) -> Path:
    """The interpreter of a virtual environment."""
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def main() -> int:
    if sys.version_info < OLDEST:
        found = ".".join(map(str, sys.version_info[:2]))
        print(f"Python {found} is too old: {'.'.join(map(str, OLDEST))} or newer is needed", file=sys.stderr)  # noqa: T201
        return 2
    wanted = hashlib.sha256(b"".join(path.read_bytes() for path in REQUIREMENTS)).hexdigest()
    python = python_of(FOLDER)
    if python.exists() and STAMP.exists() and STAMP.read_text() == wanted:
        return 0
    print("setting up .venv (once, and again when requirements change)", file=sys.stderr)  # noqa: T201
    if not python.exists():
        venv.create(FOLDER, with_pip=True)
    command = [
        str(python),
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "-r",
        str(REQUIREMENTS[1]),
    ]
    environment = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    done = subprocess.run(command, check=False, cwd=ROOT, env=environment)  # noqa: S603
    if done.returncode == 0:
        STAMP.write_text(wanted)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
