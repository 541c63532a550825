"""Clients of the outside are made in one place."""

import ast
from pathlib import Path

import activities
import murmuration

CLIENTS = Path("murmuration/services/clients.py")
MAKERS = {
    "AsyncOpenAI", "DefaultAzureCredential", "SearchClient", "SearchIndexClient", "SecretClient", "from_url",
}  # fmt: skip


def test_only_one_file_makes_clients_of_the_outside() -> None:
    folders = (Path(package.__path__[0]) for package in (activities, murmuration))
    makers = {path for folder in folders for path in folder.rglob("*.py") if _called_names(path) & MAKERS}

    assert makers == {CLIENTS.resolve()}


def _called_names(path: Path) -> set[str]:
    calls = (node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call))
    return {call.func.id for call in calls if isinstance(call.func, ast.Name)}
