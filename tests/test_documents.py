"""The documents are true as far as a machine can tell: their examples run elsewhere, their links lead somewhere."""

import re
from pathlib import Path

import pytest

from tests.examples.readme import blocks

ROOT = Path(__file__).resolve().parent.parent
OWN_APP = ROOT / "examples" / "own_app"
DOCUMENTS = sorted(
    path
    for folder in (ROOT, ROOT / "docs", ROOT / "docs" / "decisions", ROOT / "packages" / "azure-on-loopback")
    for path in (*folder.glob("*.md"), *(folder / "docs").glob("*.md"))
)
MAX_README_WORDS = 600
MAX_OVERVIEW_WORDS = 450
LINK = re.compile(r"\]\(([^)#\s]+)?(#[^)\s]+)?\)")


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").split()) <= MAX_README_WORDS
    assert len((ROOT / "docs" / "overview.md").read_text(encoding="utf-8").split()) <= MAX_OVERVIEW_WORDS


def test_the_readme_shows_the_example_that_the_tests_run() -> None:
    shown = {block.language: block.text for block in blocks(ROOT / "README.md")}

    assert shown["python"] in (OWN_APP / "function_app.py").read_text(encoding="utf-8")
    agent = (OWN_APP / "agents" / "announcer.md").read_text(encoding="utf-8")
    front, _, prompt = shown["toml"].rpartition("+++\n")
    assert agent.startswith(front)
    assert prompt.split(".")[0] in agent


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_link_leads_to_a_file_and_a_heading(path: Path) -> None:
    broken = []
    for file, heading in LINK.findall(path.read_text(encoding="utf-8")):
        if file.startswith(("http:", "https:")):
            continue
        target = (path.parent / file).resolve() if file else path
        if not target.exists() or (heading and heading[1:] not in _anchors(target)):
            broken.append(file + heading)

    assert not broken


def _anchors(path: Path) -> set[str]:
    """The anchors of a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
