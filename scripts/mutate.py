"""`python -m scripts.mutate [--count N] [--seed N] [--only TEXT] [--json]`: do the tests of `policy/` notice its bugs?

Draws mutants of `murmuration/policy/` (one small change each, as mutmut makes them), and runs `tests/policy` on each in
a copy of the tree. A mutant on which all tests pass has survived: write the test that kills it, or say in
docs/mutation.md why it behaves like the original. A mutant that can't be imported is not counted. It is no part of CI:
400 mutants take about ten minutes on two cores. The exit status is 1 when a survivor is not in docs/mutation.md.

Needs `pip install mutmut==3.8.1`, which is heavy and changes its files often, so no requirements file names it.
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path
from queue import SimpleQueue
from typing import Literal, get_args

ROOT = Path(__file__).resolve().parent.parent
MUTATED = "murmuration/policy"
COPIED = ("murmuration", "tests/__init__.py", "tests/policy", "pyproject.toml")
TESTS = "tests/policy"
PYTEST = ("-m", "pytest", "-x", "-q", "--hypothesis-seed=0")
REPORT = ROOT / "docs" / "mutation.md"
HIDDEN_PROPERTY = "    # @property\n"
MAX_SECONDS = 300
TESTS_FAILED, INTERRUPTED = 1, 2
Fate = Literal["killed", "timed_out", "survived", "not_importable"]


@dataclass(frozen=True)
class Mutant:
    """A file with one change; `change` shows it as `path: old line -> new line`."""

    path: str
    code: str
    change: str


def mutants_of(path: Path) -> Iterator[Mutant]:
    from mutmut.mutation.file_mutation import create_mutations

    name, code = path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")
    # mutmut leaves decorated functions out; a property is worth a mutant as much as any other.
    module, mutations, *_ = create_mutations(name, code.replace("    @property\n", HIDDEN_PROPERTY))
    for mutation in mutations:
        mutated = module.deep_replace(mutation.original_node, mutation.mutated_node).code
        mutated = mutated.replace(HIDDEN_PROPERTY, "    @property\n")
        diff = unified_diff(code.splitlines(), mutated.splitlines(), lineterm="", n=0)
        lines = [line for line in diff if line[:1] in "+-" and line[:3] not in ("+++", "---")]
        old = " ".join(line[1:].strip() for line in lines if line[0] == "-")
        new = " ".join(line[1:].strip() for line in lines if line[0] == "+")
        yield Mutant(name, mutated, f"{path.name}: {old} -> {new}")


def copy_tree(folder: Path) -> Path:
    for name in COPIED:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, target)
    return folder


def fate(mutant: Mutant, tree: Path) -> Fate:
    """Run the tests on the mutant in a copy of the tree, those of its module first."""
    file = tree / mutant.path
    own = [f"{TESTS}/test_{file.name}"] if (tree / TESTS / f"test_{file.name}").exists() else []
    original = file.read_bytes()
    file.write_text(mutant.code, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": "", "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        run = subprocess.run(  # noqa: S603
            [sys.executable, *PYTEST, *own, TESTS],
            cwd=tree,
            env=environment,
            capture_output=True,
            timeout=MAX_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "timed_out"
    finally:
        file.write_bytes(original)
    if run.returncode not in (0, TESTS_FAILED, INTERRUPTED):
        raise RuntimeError(f"pytest could not run: {run.stdout.decode()}{run.stderr.decode()}")
    return "survived" if run.returncode == 0 else "killed" if run.returncode == TESTS_FAILED else "not_importable"


def fates(mutants: list[Mutant], workers: int) -> list[Fate]:
    """Try the mutants, as many at once as there are workers, each in a tree of its own."""
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(workers) as pool:
        trees: SimpleQueue[Path] = SimpleQueue()
        for number in range(workers):
            trees.put(copy_tree(Path(folder) / str(number)))

        def attempt(mutant: Mutant) -> Fate:
            tree = trees.get()
            try:
                return fate(mutant, tree)
            finally:
                trees.put(tree)

        return list(pool.map(attempt, mutants))


def main() -> int:
    options = _options()
    mutants = [mutant for path in sorted((ROOT / MUTATED).glob("*.py")) for mutant in mutants_of(path)]
    mutants = [mutant for mutant in mutants if options.only in mutant.change]
    count = min(options.count or len(mutants), len(mutants))
    drawn = random.Random(options.seed).sample(mutants, count)  # noqa: S311 - a draw that can be repeated
    ends = fates(drawn, os.cpu_count() or 1)
    survivors = sorted(mutant.change for mutant, end in zip(drawn, ends, strict=True) if end == "survived")
    killed = ends.count("killed") + ends.count("timed_out")
    figures = {
        "mutants": len(mutants),
        "drawn": len(drawn),
        "seed": options.seed,
        **{end: ends.count(end) for end in get_args(Fate)},
        "killed_share": round(killed / max(1, killed + len(survivors)), 3),
        "survivors": survivors,
    }
    print(json.dumps(figures, indent=None if options.json else 1, ensure_ascii=False))  # noqa: T201
    explained = REPORT.read_text(encoding="utf-8") if REPORT.exists() else ""
    return 1 if any(f"`{change}`" not in explained for change in survivors) else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=400, help="0: all")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--only", default="", metavar="TEXT", help="mutants whose change contains the text")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
