"""`python -m scripts.check_language`: old terms among names, and comments that don't begin with their subject.

The terms come from the language of this project: every pair is (old, what to say instead). A term that is an everyday
word elsewhere is refused only in the files where the old thing stood.
"""

import ast
import io
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

OLD_NAMES = {
    "Ledger": "StepContext",
    "ledger": "step_context",
    "Purse": "BudgetTracker",
    "purse": "budget",
    "knock": "check_slot_holders",
    "Knock": "Wake",
    "Knocks": "SlotHolderCheck",
    "Gone": "EndedRuns",
    "Departure": "Release",
    "in_turn": "with_slot",
    "keep_gate": "approval_gate",
    "OpenGate": "GateState",
    "ask_panel": "collect_votes",
    "keep_turn": "append_turn",
    "embed_rows": "backfill_embeddings",
    "lacks": "needs_embedding",
    "Sweep": "DeletionPage",
    "Swept": "PageResult",
    "Tally": "DeletionCounts",
    "Patience": "VerificationPolicy",
    "quiet_seconds": "settle_seconds",
    "forget_notes": "delete_deletion_log",
    "Standard": "Criteria",
    "Judged": "Evaluated",
    "revise_until_good": "refine",
    "Performed": "TaskResult",
    "Unachievable": "RunFailed",
    "withheld": "answer_hidden",
    "Sealed": "SignedVote",
    "Genuine": "VerificationResult",
    "first_answer": "first_available",
    "Extraction": "ExtractionRequest",
    "Extracted": "ExtractionResult",
    "Remembrance": "RememberRequest",
    "Remembered": "RememberResult",
    "Recall": "RecallRequest",
    "Recalled": "RecallResult",
    "Held": "MemoryVersion",
    "Recollection": "ScoredMemory",
    "by_worth": "rank",
    "wordings": "query_variants",
    "fused": "reciprocal_rank_fusion",
    "ladder": "search_modes",
    "rung": "mode",
    "Instant": "Timestamp",
    "AT_THE_DOOR": "a strict parse in murmuration.http.body",
    "cheapest": "downgrade_model",
    "Rests": "Debounce",
    "telling_page": "message_page",
    "asking_page": "decision_page",
    "each": "the element's own name",
}
OLD_CONSTANT = re.compile(r"_?(MOST|LONGEST|DEEPEST|HEALED|WHOLE)(_[A-Z_]+)?")
OLD_FILES = {
    "asked", "chain", "control", "forgotten", "grounding", "healing", "invocation", "invocations", "material", "nodes",
    "notices", "replays", "rests", "shown",
}  # fmt: skip
WITHOUT_SUBJECT = re.compile(r"(Of|Who|What|Whose|At whom)\b")
OLD_SCHEDULER = ("murmuration/durable/flow.py", "murmuration/durable/graph.py")
"""The old scheduler: it goes with the async orchestrators, and its words with it."""


def main() -> int:
    """Print every finding; the exit status says whether there is one."""
    findings = [finding for path in _python_files() for finding in check(path, path.read_text(encoding="utf-8"))]
    for finding in findings:
        print(finding, file=sys.stderr)  # noqa: T201
    return 1 if findings else 0


def _python_files() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py"],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    paths = [ROOT / name for name in listed.stdout.split() if name not in OLD_SCHEDULER]
    return [path for path in paths if path.exists() and path != Path(__file__)]


def check(path: Path, text: str) -> Iterator[str]:
    """The findings of one file, each a line with its place."""
    place = path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else path.name
    if path.stem in OLD_FILES:
        yield f"{place}: the file's name is an old term"
    tree = ast.parse(text)
    for node in ast.walk(tree):
        for name, line in _names(node):
            if name.lstrip("_") in OLD_NAMES:
                yield f"{place}:{line}: {name!r} is an old term: say {OLD_NAMES[name.lstrip('_')]!r}"
            elif OLD_CONSTANT.fullmatch(name):
                yield f"{place}:{line}: {name!r} is a limit: call it MAX_…"
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield from _prose(place, node.lineno, node.value.value)
    last = 0
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            if token.start[0] != last + 1:  # the first line of a comment
                yield from _prose(place, token.start[0], token.string.lstrip("# "))
            last = token.start[0]


def _names(node: ast.AST) -> Iterator[tuple[str, int]]:
    """The names that a node binds, with their lines."""
    match node:
        case ast.FunctionDef(name=name, lineno=line) | ast.AsyncFunctionDef(name=name, lineno=line):
            yield name, line
        case ast.ClassDef(name=name, lineno=line):
            yield name, line
        case ast.Name(id=name, ctx=ast.Store(), lineno=line):
            yield name, line
        case ast.arg(arg=name, lineno=line):
            yield name, line


def _prose(place: str, line: int, text: str) -> Iterator[str]:
    found = WITHOUT_SUBJECT.match(text.strip())
    if found is not None and not text.strip().endswith("?"):
        beginning = " ".join(text.split()[:6])
        yield f"{place}:{line}: {beginning!r} does not begin with its subject"


if __name__ == "__main__":
    sys.exit(main())
