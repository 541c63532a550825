"""`python -m benchmarks.questions --docs DIR [--json]`: questions on a documentation tree, and the cited files.

The questions are about the Python 3.11 documentation (Debian package python3.11-doc, folder
usr/share/doc/python3.11/html/_sources: 497 reStructuredText files, 11 MB). A question counts as answered when one of
its citations is in a file that holds the answer.
"""

import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.report import make_parser, show

QUESTIONS = {
    "How do I limit how long to wait for an asyncio awaitable?": "library/asyncio-task",
    "What does os.replace do if the destination exists?": "library/os",
    "How can I merge two dictionaries with the union operator?": "library/stdtypes|whatsnew/3.9",
    "What is the default maxsize of functools.lru_cache?": "library/functools",
    "How do I make an SQLite connection roll back a transaction?": "library/sqlite3",
    "What does the GIL protect, and which operations release it?": "glossary|c-api/init|library/threading|faq/library",
    "How do I parse an ISO 8601 date string into a datetime?": "library/datetime",
    "What does subprocess.run raise when check is true and the exit code is nonzero?": "library/subprocess",
    "How are positional-only parameters written in a function definition?": "compound_stmts|controlflow|glossary",
    "How do I compress data with zlib at the best compression level?": "library/zlib",
    "How does the csv module quote fields by default?": "library/csv",
    "Which exception does json.loads raise for an invalid document?": "library/json",
}


def main() -> None:
    """Answer the questions with the demo and count those that cite a right file."""
    parser = make_parser(__doc__)
    parser.add_argument("--docs", type=Path, required=True, help="the documentation's folder")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        goals = Path(folder) / "goals.txt"
        goals.write_text("\n".join(QUESTIONS), encoding="utf-8")
        command = [
            sys.executable,
            "-m",
            "murmuration.cli",
            "demo",
            "--docs",
            str(options.docs),
            "--goals",
            str(goals),
            "--json",
        ]
        began = time.perf_counter()
        done = subprocess.run([*command, "--data", f"{folder}/data"], capture_output=True, text=True, check=False)
        seconds = time.perf_counter() - began
    outcomes = [json.loads(line) for line in done.stdout.splitlines()]
    hits = 0
    for outcome in outcomes:
        hit = any(re.search(QUESTIONS[outcome["goal"]], citation["source"]) for citation in outcome["citations"])
        hits += hit
        print("hit " if hit else "miss", outcome["goal"], file=sys.stderr)
    reading = re.search(r"read (\d+) documents in ([\d.]+) s", done.stderr)
    if reading is None or len(outcomes) != len(QUESTIONS):
        sys.exit(f"the demo failed:\n{done.stderr}")
    show(
        {
            "documents": int(reading[1]),
            "reading_seconds": float(reading[2]),
            "questions": len(QUESTIONS),
            "cited_the_right_file": hits,
            "total_seconds": round(seconds, 1),
        },
        as_json=options.json,
    )


if __name__ == "__main__":
    main()
