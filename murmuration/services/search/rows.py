"""Values that are computed from a row's own fields, both when it is written and when it moves to another index."""

from collections.abc import Mapping
from typing import Any

from murmuration.services.search.index import CATALOG, KNOWLEDGE, MEMORY

EMBEDDED_FIELDS = {
    KNOWLEDGE: ("title", "heading", "text"),
    MEMORY: ("about", "text"),
    CATALOG: ("name", "purpose", "examples"),
}
"""The fields whose text a row's vector stands for, by the kind of index."""


def embedded_text(kind: str, row: Mapping[str, Any]) -> str:
    """Return the text whose vector stands for a row: its last field stands on a line of its own."""
    *names, last = (str(row.get(field) or "") for field in EMBEDDED_FIELDS[kind])
    return f"{' '.join(names)}\n{last}"


def path_words(source: str) -> str:
    """Return the words of a document's path, without its suffix."""
    return source.replace("/", " ").replace("_", " ").replace("-", " ").rsplit(".", 1)[0]
