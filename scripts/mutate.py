"""`python -m scripts.mutate [--target policy|goal] [--count N] [--seed N] [--only FILE] [--json]`: are bugs noticed?

Draws mutants of `murmuration/policy/` or `orchestrators/goal/` (one small change each, as mutmut makes them), and runs
their tests on each in a process of its own. A mutant on which all tests pass has survived: write the test that kills
it, or say in docs/mutation.md why it behaves like the original. A mutant that can't be imported, or whose process
broke twice, is not counted. The exit status is 1 when a survivor is not in docs/mutation.md.

It is no part of CI. It needs `pip install mutmut==3.8.1`, which no requirements file names: it is heavy, and its parts
change from version to version.
"""

import argparse
import contextlib
import json
import multiprocessing
import os
import random
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from difflib import unified_diff
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, get_args

ROOT = Path(__file__).resolve().parent.parent
REPORT = ROOT / "docs" / "mutation.md"
PRELOADED = ["pytest", "hypothesis", "jsonschema", "murmuration.contracts.steps"]
"""Modules that every run needs and no mutant replaces: imported once where processes can be forked."""
OPTIONS = [
    "-x",
    "-q",
    "--hypothesis-seed=0",
    "--hypothesis-profile=mutants",
    "-W",
    "ignore::pytest.PytestAssertRewriteWarning",
]
MAX_SECONDS = 120
RAN = 100
"""Added to pytest's exit status, so that a process that broke is not taken for a killed mutant."""
HIDDEN_PROPERTY = "    # @property\n"
Fate = Literal["killed", "timed_out", "survived", "not_importable", "process_broke"]
FATES: dict[int | None, Fate] = {RAN: "survived", RAN + 1: "killed", RAN + 2: "not_importable", None: "timed_out"}


@dataclass(frozen=True)
class Target:
    """A package to mutate, and the folders and files of its tests, the quickest first."""

    package: str
    tests: tuple[str, ...]

    @property
    def folder(self) -> Path:
        return ROOT / self.package.replace(".", "/")


TARGETS = {
    "policy": Target("murmuration.policy", ("tests/policy",)),
    "goal": Target("orchestrators.goal", ("tests/orchestrators", "tests/histories/test_histories.py")),
}


@dataclass(frozen=True)
class Mutant:
    """A module with one change; `change` shows it as `file: old line -> new line`."""

    target: Target
    module: str
    code: str
    change: str


def changes_of(path: Path) -> Iterator[tuple[Path, Any, Any]]:
    """Every change that mutmut makes to a file: the file, its syntax tree, and the change."""
    from mutmut.mutation.file_mutation import create_mutations

    # mutmut leaves decorated functions out; a property is worth a mutant as much as any other.
    code = path.read_text(encoding="utf-8").replace("    @property\n", HIDDEN_PROPERTY)
    tree, mutations, *_ = create_mutations(path.name, code)
    for mutation in mutations:
        yield path, tree, mutation


def make_mutant(target: Target, path: Path, tree: Any, mutation: Any) -> Mutant:
    code = tree.deep_replace(mutation.original_node, mutation.mutated_node).code
    diff = unified_diff(tree.code.splitlines(), code.splitlines(), lineterm="", n=0)
    lines = [line for line in diff if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    old = " ".join(line[1:].strip() for line in lines if line[0] == "-")
    new = " ".join(line[1:].strip() for line in lines if line[0] == "+")
    return Mutant(target, path.stem, code.replace(HIDDEN_PROPERTY, "    @property\n"), f"{path.name}: {old} -> {new}")


class MutantImporter(MetaPathFinder, Loader):
    """Imports the mutant in place of its module."""

    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant

    def find_spec(self, name: str, *_: Any) -> ModuleSpec | None:
        mutated = f"{self._mutant.target.package}.{self._mutant.module}"
        return spec_from_loader(name, self) if name == mutated else None

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self._mutant.code, module.__name__, "exec"), module.__dict__)  # noqa: S102


def run_tests(mutant: Mutant) -> None:
    """Run the tests of the mutant's module, then all others, up to the first failure; exit with the status."""
    import hypothesis
    import pytest

    hypothesis.settings.register_profile("mutants", database=None)  # an example that kills one must not be kept
    sys.meta_path.insert(0, MutantImporter(mutant))
    tests = [ROOT / path for path in mutant.target.tests]
    own = tests[0] / f"test_{mutant.module}.py"
    paths = [own, *tests] if own.exists() else tests
    with (
        Path(os.devnull).open("w") as nothing,
        contextlib.redirect_stdout(nothing),
        contextlib.redirect_stderr(nothing),
    ):
        status = pytest.main([*OPTIONS, *map(str, paths)])
    sys.exit(RAN + status)


def fate(mutant: Mutant) -> Fate:
    return _try(mutant) or _try(mutant) or "process_broke"


def _try(mutant: Mutant) -> Fate | None:
    """Run the tests on the mutant in a process of its own; None when the process broke."""
    methods = multiprocessing.get_all_start_methods()
    context: Any = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
    process = context.Process(target=run_tests, args=(mutant,))
    try:
        process.start()
    except (EOFError, OSError):  # the server that forks was killed: the next process starts another
        return None
    process.join(MAX_SECONDS)
    status = process.exitcode
    process.kill()
    return FATES.get(status)


def main() -> int:
    options = _options()
    target = TARGETS[options.target]
    changes = [change for path in sorted(target.folder.glob(options.only)) for change in changes_of(path)]
    count = min(options.count or len(changes), len(changes))
    draw = random.Random(options.seed).sample(changes, count)  # noqa: S311 - a draw that can be repeated
    drawn = [make_mutant(target, *change) for change in draw]
    multiprocessing.set_forkserver_preload(PRELOADED)
    unchanged = Mutant(target, "__init__", "", "no change")
    if fate(unchanged) != "survived":
        raise SystemExit(f"The tests fail without a mutant: run pytest {' '.join(target.tests)}")
    fates: list[Fate] = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for number, end in enumerate(pool.map(fate, drawn), start=1):
            fates.append(end)
            print(f"\r{number} of {count}: {fates.count('survived')} survived", end="", file=sys.stderr)  # noqa: T201
    survivors = sorted(mutant.change for mutant, end in zip(drawn, fates, strict=True) if end == "survived")
    killed = fates.count("killed") + fates.count("timed_out")
    figures = {
        "mutants": len(changes),
        "drawn": len(drawn),
        "seed": options.seed,
        **{end: fates.count(end) for end in get_args(Fate)},
        "killed_share": round(killed / max(1, killed + len(survivors)), 3),
        "survivors": survivors,
    }
    print(json.dumps(figures, indent=None if options.json else 1, ensure_ascii=False))  # noqa: T201
    explained = REPORT.read_text(encoding="utf-8") if REPORT.exists() else ""
    return 1 if any(f"`{change}`" not in explained for change in survivors) else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", choices=TARGETS, default="policy")
    parser.add_argument("--count", type=int, default=400, help="0: all")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--only", default="*.py", metavar="FILE", help="mutants of this file alone")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
