"""`python -m tools.check`: format, lint, types, import rules. Runs all of them and says which failed."""

import subprocess
import sys

IMPORT_RULES = "from importlinter.cli import lint_imports_command as check; check()"
CHECKS = {
    "format": ["-m", "ruff", "format", "--check", "--quiet", "."],
    "lint": ["-m", "ruff", "check", "--quiet", "."],
    "types": ["-m", "mypy"],
    "import rules": ["-c", IMPORT_RULES],
}


def main() -> int:
    failed = []
    for name, arguments in CHECKS.items():
        print(f"{name} …", file=sys.stderr, flush=True)  # noqa: T201
        if subprocess.run([sys.executable, *arguments], check=False).returncode:  # noqa: S603
            failed.append(name)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)  # noqa: T201
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
