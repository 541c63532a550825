"""`python -m scripts.settings_docs [--check]`: docs/settings.md and local.settings.json.example, from the settings.

With `--check` nothing is written: a file that differs from what would be written is named, and the command fails.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo

from murmuration.services.setting_source import is_secret
from murmuration.services.settings import SEARCH_SETTINGS, Settings

ROOT = Path(__file__).resolve().parent.parent
PAGE = """\
# Settings

Settings are environment variables. On a laptop they may also stand under `Values` in `local.settings.json` (start from
[the example](../local.settings.json.example)); the environment wins. An empty setting counts as not set. Instead of its
value any setting may be `keyvault:NAME`, the secret NAME of the Key Vault at `KEY_VAULT_URL`: use that for the settings
that are marked as secret.

`GET /api/health` answers 503 and names every setting that is missing or malformed, with its value unless it is a
secret. When it answers 200, its `warnings` name the variables that look like a misspelt setting; `mur` prints them
when the app has started.

| setting | meaning | default |
|---|---|---|
{rows}

`python -m scripts.settings_docs` writes this page from the class `Settings` in `murmuration/services/settings.py`.
"""
FUNCTIONS_SETTINGS = {"FUNCTIONS_WORKER_RUNTIME": "python", "AzureWebJobsStorage": "UseDevelopmentStorage=true"}
"""Settings of the Functions host itself, for Azure Functions Core Tools."""
SET_BY_AZURE = ("website_hostname",)


def settings_page() -> str:
    """Make the text of docs/settings.md."""
    rows = (f"| {_names(name, field)} | {_meaning(field)} | {_default(name, field)} |" for name, field in _fields())
    return PAGE.format(rows="\n".join(rows))


def settings_example() -> str:
    """Make the text of local.settings.json.example: settings for the local cloud, the others empty."""
    values = {name.upper(): _example(field) for name, field in _fields() if not field.title}
    example = {"IsEncrypted": False, "Values": {**FUNCTIONS_SETTINGS, **values}}
    return json.dumps(example, indent=2) + "\n"


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    """Write the files, or compare them; returns 1 when one differs."""
    parser = argparse.ArgumentParser(prog="python -m scripts.settings_docs", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare, and write nothing")
    check = parser.parse_args(arguments).check
    files = {root / "docs" / "settings.md": settings_page(), root / "local.settings.json.example": settings_example()}
    outdated = [path for path, text in files.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    for path in outdated:
        if check:
            name = path.relative_to(root).as_posix()
            print(f"{name} is outdated: run python -m scripts.settings_docs", file=sys.stderr)  # noqa: T201
        else:
            path.write_text(files[path], encoding="utf-8", newline="\n")
    return 1 if check and outdated else 0


def _fields() -> list[tuple[str, FieldInfo]]:
    return [(name, field) for name, field in Settings.model_fields.items() if name not in SET_BY_AZURE]


def _names(name: str, field: FieldInfo) -> str:
    return ", ".join(f"`{title}`" for title in (field.title or name.upper()).split(", "))


def _meaning(field: FieldInfo) -> str:
    return f"{field.description} Secret." if is_secret(field) else str(field.description)


def _default(name: str, field: FieldInfo) -> str:
    if name in SEARCH_SETTINGS:
        return "required, unless the app only asks agents and people"
    if field.is_required():
        return "required"
    return f"`{field.default}`" if field.default else ""


def _example(field: FieldInfo) -> str:
    examples: list[Any] = [*(field.examples or ()), field.default if not field.is_required() and field.default else ""]
    return str(examples[0])


if __name__ == "__main__":
    sys.exit(main())
