"""`python -m scripts.test`: run the tests of the app and those of azure-on-loopback; says which failed."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SUITES = {"murmuration": ROOT, "azure-on-loopback": ROOT / "packages" / "azure-on-loopback"}
PARALLEL = ["--numprocesses", "4", "--dist", "loadfile"]
"""Four processes on two cores, too: many tests wait for servers in processes of their own."""


def main() -> int:
    """Run both suites, each in four processes; the exit status is 0 when both pass."""
    failed = []
    for name, folder in SUITES.items():
        print(f"tests of {name} …", file=sys.stderr, flush=True)  # noqa: T201
        if subprocess.run([sys.executable, "-m", "pytest", *PARALLEL], cwd=folder, check=False).returncode:  # noqa: S603
            failed.append(name)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)  # noqa: T201
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
