"""An index as the app uses it: its name, its queries and its rows. `azure_search.py` reaches the service."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from murmuration.contracts.owner import Owner

KNOWLEDGE = "knowledge"
MEMORY = "memory"
CATALOG = "catalog"
KINDS = (KNOWLEDGE, MEMORY, CATALOG)
MAX_MODEL_CHARACTERS = 80
"""Characters of the model in an index's name: a name has at most 128."""
PAGE = 1_000
"""Rows of one answer: the service would split a longer one."""
SOURCES_PAGE = 1_000

Row = dict[str, Any]


@dataclass(frozen=True)
class Search:
    """A query by words, by a vector, or by both."""

    text: str
    top: int
    select: Sequence[str]
    vector: Sequence[float] | None = None
    """None searches by words alone."""
    condition: str = ""
    """An OData filter made by code, never by a model."""
    ranker: bool = False
    """Whether the semantic ranker orders the results; the service bills it."""


class Index(Protocol):
    """One index of one deployment; rows of other tenants are out of its callers' reach.

    Every method raises `RetryLater` when the service can't serve now and `GiveUp` when it refuses.
    """

    async def search(self, owner: Owner, search: Search) -> list[Row]:
        """Return the best rows that the owner may see, best first, each with `@search.score`."""
        ...

    async def find(
        self, owner: Owner, condition: str, *, top: int, select: Sequence[str], latest: str = ""
    ) -> list[Row]:
        """Return rows of exactly this owner that match a filter; `latest` names the date field to sort by."""
        ...

    async def ids_of_sources(self, owner: Owner, sources: Sequence[str]) -> dict[str, set[str]]:
        """Return the ids of all rows that exactly this owner has of these sources, by source."""
        ...

    async def sources(self, owner: Owner, *, prefix: str, after: str) -> dict[str, int]:
        """Return the next sources of exactly this owner by name, with their numbers of rows; at most `SOURCES_PAGE`."""
        ...

    async def page(self, tenant: str, condition: str, *, after: str, select: Sequence[str]) -> list[Row]:
        """Return the next rows of the whole tenant by id, of every user; at most `PAGE`."""
        ...

    async def write(self, rows: Sequence[Row]) -> None:
        """Write rows, or overwrite them by id."""
        ...

    async def merge(self, rows: Sequence[Row]) -> None:
        """Change the named fields of rows that exist; skip ids that don't."""
        ...

    async def delete(self, ids: Sequence[str]) -> None:
        """Delete rows by id; skip ids that don't exist."""
        ...


def index_name(kind: str, model: str, dimensions: int) -> str:
    """Name an index after the embedding model of its vectors, such as `knowledge-text-embedding-3-small-1536`.

    Two models never mix: settings with another model mean another index. The service takes lower-case letters, digits
    and single hyphens.
    """
    plain = re.sub(r"[^a-z0-9]+", "-", model.lower()).strip("-")
    return f"{kind}-{plain[:MAX_MODEL_CHARACTERS]}-{dimensions}"
