"""`python -m benchmarks.fresh_clone [--json]`: time from `git clone` to the demo's answer, and of a second demo."""

import subprocess
import tempfile
import time
from pathlib import Path

from benchmarks.report import make_parser, show

ROOT = Path(__file__).resolve().parent.parent


def timed(*command: str, folder: Path) -> float:
    """Run a command and return its seconds."""
    began = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, stdin=subprocess.DEVNULL, capture_output=True)
    return round(time.perf_counter() - began, 1)


def main() -> None:
    """Clone this repository into a temporary folder and run the demo twice."""
    options = make_parser(__doc__).parse_args()
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "clone"
        cloning = timed("git", "clone", "--quiet", str(ROOT), str(clone), folder=ROOT)
        first = timed("make", "demo", folder=clone)
        second = timed("make", "demo", folder=clone)
    show({"clone_to_answer_seconds": round(cloning + first, 1), "second_demo_seconds": second}, as_json=options.json)


if __name__ == "__main__":
    main()
