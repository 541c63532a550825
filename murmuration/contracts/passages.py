"""What retrieval finds."""

from datetime import datetime
from typing import Literal

from murmuration.contracts.base import Contract
from murmuration.contracts.content import Content, Reference
from murmuration.contracts.owner import Owner

SearchMode = Literal["hybrid", "keyword", "none"]
"""How the passages were found: words and vectors, words alone, or not at all because search was down."""
DocumentKind = Literal["markdown", "restructuredtext", "html", "pdf", "text", "code"]
MAX_QUERY_VARIANTS = 3
"""Of one search: the planner's own, and two more."""


class Scope(Contract):
    """Which documents are searched; each that is given narrows it."""

    sources: tuple[str, ...] = ()
    """Beginnings of paths, one of which a document's has."""
    kinds: tuple[DocumentKind, ...] = ()
    since: datetime | None = None
    """Documents that have changed at this time or later."""
    until: datetime | None = None
    """Documents that have changed before this time."""


class Passage(Contract):
    """A piece of a document, as an agent is shown it."""

    id: str
    """The chunk's key in the `knowledge` index."""
    text: str
    source: str
    """The path of the document below the folder it was read from."""
    title: str = ""
    heading: str = ""
    """The path of headings above the text, joined with " > "."""
    score: float = 0.0
    """Reciprocal-rank-fusion, BM25 or reranker score; comparable within one answer of the search only."""


class PassageSet(Contract):
    """What the artifact behind a `Retrieved` or a `Draft` holds. Citation [n] is the n-th passage, from 1."""

    passages: tuple[Passage, ...]


class Query(Contract):
    owner: Owner
    text: str
    inserts: dict[str, tuple[Content, ...]] = {}
    """What the references in the text stand for."""
    query_variants: tuple[str, ...] = ()
    """Other query_variants of the same search, at most two."""
    scope: Scope = Scope()
    top: int = 6
    tokens: int = 2_400
    """What the passages may take of a prompt, about."""


class Retrieved(Contract):
    passages: Reference
    count: int
    mode: SearchMode
