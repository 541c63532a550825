"""`python3 scripts/setup_env.py`: make `.venv` in this clone and install the pinned requirements.

Needs only the standard library, does nothing when the requirement files are unchanged, and touches nothing outside the
clone.
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
MIN_VERSION = (3, 11)


def python_of(folder: Path) -> Path:
    """Return the interpreter of a virtual environment."""
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def main() -> int:
    """Set up the environment if need be; returns the exit status."""
    if sys.version_info < MIN_VERSION:
        version = ".".join(map(str, sys.version_info[:2]))
        print(f"Python {version} is too old: {'.'.join(map(str, MIN_VERSION))} or newer is needed", file=sys.stderr)  # noqa: T201
        return 2
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in REQUIREMENTS)).hexdigest()
    python = python_of(FOLDER)
    if python.exists() and STAMP.exists() and STAMP.read_text() == digest:
        return 0
    print("setting up .venv (once, and again when requirements change)", file=sys.stderr)  # noqa: T201
    if not python.exists():
        venv.create(FOLDER, with_pip=True)
    command = [str(python), "-m", "pip", "install", "--quiet", "-r", str(REQUIREMENTS[1])]
    environment = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    result = subprocess.run(command, check=False, cwd=ROOT, env=environment)  # noqa: S603
    if result.returncode == 0:
        STAMP.write_text(digest)
    return result.returncode


if __name__ == "__main__":
    sys.exit(main())
