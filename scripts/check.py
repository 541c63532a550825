"""`python -m scripts.check`: format, lint, types, import rules, language, agents, settings; says what failed."""

import subprocess
import sys
from pathlib import Path

IMPORT_RULES = "from importlinter.cli import lint_imports_command as check; check()"
ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "packages" / "azure-on-loopback"
CHECKS = (
    ("format", ROOT, ["-m", "ruff", "format", "--check", "--quiet", "."]),
    ("lint", ROOT, ["-m", "ruff", "check", "--quiet", "."]),
    ("types", ROOT, ["-m", "mypy"]),
    ("types of azure-on-loopback", PACKAGE, ["-m", "mypy"]),
    ("import rules", ROOT, ["-c", IMPORT_RULES]),
    ("language", ROOT, ["-m", "scripts.check_language"]),
    ("agents", ROOT, ["-m", "murmuration.agents"]),
    ("settings", ROOT, ["-m", "scripts.settings_docs", "--check"]),
)


def main() -> int:
    """Run all checks; the exit status is 1 when one failed."""
    failed = []
    for name, folder, arguments in CHECKS:
        print(f"{name} …", file=sys.stderr, flush=True)  # noqa: T201
        if subprocess.run([sys.executable, *arguments], cwd=folder, check=False).returncode:  # noqa: S603
            failed.append(name)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)  # noqa: T201
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
