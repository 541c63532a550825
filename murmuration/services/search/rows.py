"""What is made of a row's own fields: once when it is written, and again when its index moves to another model."""

from collections.abc import Mapping
from typing import Any

from murmuration.services.search.indexes import CATALOG, KNOWLEDGE, MEMORY

EMBEDDED = {
    KNOWLEDGE: ("title", "heading", "text"),
    MEMORY: ("about", "text"),
    CATALOG: ("name", "purpose", "examples"),
}
"""The fields whose text a row's vector stands for, by the kind of index."""


def embedded_text(kind: str, row: Mapping[str, Any]) -> str:
    """The text whose vector stands for a row of an index of this kind: its last field on a line of its own."""
    *names, last = (str(row.get(field) or "") for field in EMBEDDED[kind])
    return f"{' '.join(names)}\n{last}"


def path_words(source: str) -> str:
    """The words of a document's path."""
    return source.replace("/", " ").replace("_", " ").replace("-", " ").rsplit(".", 1)[0]
