"""`python -m benchmarks.cold_import [--json]`: CPU seconds of `import function_app`, each in a new process."""

import statistics
import subprocess
import sys

from benchmarks.report import make_parser, show

ROUNDS = 7
CODE = "import time; import function_app; print(time.process_time())"


def main() -> None:
    """Import the app in `ROUNDS` processes."""
    options = make_parser(__doc__).parse_args()
    seconds = [
        float(subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True).stdout)
        for _ in range(ROUNDS)
    ]
    show(
        {"cpu_seconds_median": round(statistics.median(seconds), 3), "cpu_seconds_most": round(max(seconds), 3)},
        as_json=options.json,
    )


if __name__ == "__main__":
    main()
