"""`python -m scripts.check_language`: old terms among names, and comments that don't begin with their subject.

The terms are in `scripts/old_terms.py`. Names are those that code binds: functions, classes, parameters, variables,
attributes, so contract fields and settings, too; and strings that are a persisted name, such as a step's.
"""

import ast
import io
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

from scripts.old_terms import OLD_FILES, OLD_NAMES, OLD_NAMES_BY_PLACE

ROOT = Path(__file__).resolve().parent.parent
OLD_LIMIT = re.compile(r"_?(MOST|LONGEST|DEEPEST|HEALED|WHOLE)(_[A-Z_]+)?")
WITHOUT_SUBJECT = re.compile(r"(Of|Who|What|Whose|At whom)\b")
TEST_WITHOUT_SUBJECT = re.compile(r"test_(of|who|what|whose)_")
PRIVATE_IDIOM = re.compile(r"\b(knock(s|ed|ing)?|purse|at the door)\b", re.IGNORECASE)
UNCHECKED = (
    "scripts/check_language.py",
    "scripts/old_terms.py",
    "tests/scripts/test_check_language.py",
)


def main() -> int:
    """Print every finding; the exit status is 1 when there is one."""
    findings = [finding for path in _files() for finding in check(path, (ROOT / path).read_text(encoding="utf-8"))]
    for finding in findings:
        print(finding, file=sys.stderr)  # noqa: T201
    return 1 if findings else 0


def _files() -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.py", "*.md"],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    paths = sorted(set(listed.stdout.split("\0")) - {"", *UNCHECKED})
    return [path for path in paths if (ROOT / path).exists()]


def check(path: str, text: str) -> Iterator[str]:
    """Yield the findings of one file, whose path is relative to the repository, one a line."""
    if not path.endswith(".py"):
        for number, written in enumerate(text.splitlines(), 1):
            yield from _idioms(f"{path}:{number}", written)
        return
    for part in Path(path).with_suffix("").parts:
        if part in OLD_FILES:
            yield f"{path}: {part!r} is an old term"
    old_names = _old_names(path)
    for node in ast.walk(ast.parse(text)):
        for name, line in _names(node):
            place = f"{path}:{line}"
            if term := old_names.get(name) or old_names.get(name.lstrip("_")):
                yield f"{place}: {name!r} is an old term: say {term!r}"
            elif OLD_LIMIT.fullmatch(name):
                yield f"{place}: {name!r} is a limit: call it MAX_…"
            elif TEST_WITHOUT_SUBJECT.match(name):
                yield f"{place}: {name!r} does not begin with its subject"
    for line, prose in _prose(text):
        yield from _idioms(f"{path}:{line}", prose)
        if WITHOUT_SUBJECT.match(prose) and not prose.endswith("?"):
            beginning = " ".join(prose.split()[:6])
            yield f"{path}:{line}: {beginning!r} does not begin with its subject"


def _old_names(path: str) -> dict[str, str]:
    """Return the old terms that count in this file."""
    here = [terms for places, terms in OLD_NAMES_BY_PLACE.items() if path.startswith(places)]
    return {old: new for terms in (OLD_NAMES, *here) for old, new in terms.items()}


def _names(node: ast.AST) -> Iterator[tuple[str, int]]:
    """Yield the names that a node binds, and persisted names in strings, with their lines."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            yield node.name, node.lineno
        case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()) | ast.arg(arg=name):
            yield name, node.lineno
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
            yield name, node.lineno
        case ast.Import() | ast.ImportFrom():
            for alias in node.names:
                yield alias.asname or alias.name.rpartition(".")[2], node.lineno
        case ast.keyword(arg=str(name)):
            yield name, node.lineno
        case ast.Constant(value=str(name)) if "_" in name and name in OLD_NAMES:
            yield name, node.lineno


def _prose(text: str) -> Iterator[tuple[int, str]]:
    """Yield docstrings and comments with their first lines; a comment of several lines comes as one."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.lineno, node.value.value.strip()
    first, comment, last = 0, "", -1
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type != tokenize.COMMENT:
            continue
        if token.start[0] != last + 1:
            if comment:
                yield first, comment
            first, comment = token.start[0], ""
        comment = f"{comment} {token.string.lstrip('#! ')}".strip()
        last = token.start[0]
    if comment:
        yield first, comment


def _idioms(place: str, text: str) -> Iterator[str]:
    for idiom in PRIVATE_IDIOM.finditer(text):
        yield f"{place}: {idiom[0]!r} is a private idiom"


if __name__ == "__main__":
    sys.exit(main())
