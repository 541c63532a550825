"""A folder of agents beside the library's, one of which can't be used."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from murmuration.agents import loader

GOOD = """+++
name = "poet"
purpose = "Writes a line."
tier = "fast"
reply = "TextReply"
+++
Write a line.
"""
PROBLEM = "own/broken.md: tier: Input should be 'fast', 'standard' or 'reasoning' (got 'cheap')"


@contextmanager
def added_agents(parent: Path, *, broken: bool = True, reply: str = "TextReply") -> Iterator[Path]:
    """Make the folder `own` with the agent `poet`, and perhaps a broken one; its agents are known until the end."""
    folder = parent / "own"
    folder.mkdir()
    (folder / "poet.md").write_text(GOOD.replace("TextReply", reply), encoding="utf-8")
    if broken:
        bad = GOOD.replace('"poet"', '"broken"').replace('"fast"', '"cheap"')
        (folder / "broken.md").write_text(bad, encoding="utf-8")
    loader.add_folder(folder)
    try:
        yield folder
    finally:
        loader._folders.remove(folder)
        loader.known_agents.cache_clear()
