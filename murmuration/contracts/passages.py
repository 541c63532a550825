"""Searches of the documents, and the passages they return."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, ValidationInfo, field_validator

from murmuration.contracts.base import Contract
from murmuration.contracts.content import Content, Reference
from murmuration.contracts.owner import Owner

SearchMode = Literal["hybrid", "keyword", "none"]
"""How a search was done: by words and vectors, by words alone, or not at all because the search service was down."""
DocumentKind = Literal["markdown", "restructuredtext", "html", "pdf", "text", "code"]
MAX_SOURCES = 50
MAX_QUERY_VARIANTS = 3
"""Variants of one search in all: the task's own text and two more."""


class Scope(Contract):
    """The documents that are searched; each filter that is set narrows it."""

    sources: Annotated[
        tuple[Annotated[str, Field(min_length=1, max_length=512)], ...], Field(max_length=MAX_SOURCES)
    ] = ()
    """Prefixes of paths: a document's path must begin with one of them."""
    kinds: Annotated[tuple[DocumentKind, ...], Field(max_length=10)] = ()
    since: AwareDatetime | None = None
    """Documents that were changed at this time or later."""
    until: AwareDatetime | None = None
    """Documents that were changed before this time."""

    @field_validator("until")
    @classmethod
    def _after_since(cls, until: datetime | None, info: ValidationInfo) -> datetime | None:
        since = info.data.get("since")
        if until is not None and since is not None and until <= since:
            raise ValueError("is not after since")
        return until


class Passage(Contract):
    """A piece of a document, as an agent reads it."""

    id: str
    """The chunk's key in the `knowledge` index."""
    text: str
    source: str
    """The document's path below the folder that was read."""
    title: str = ""
    heading: str = ""
    """The headings above the text, outermost first, joined with " > "."""
    score: float = 0.0
    """The score of reciprocal rank fusion, BM25 or the reranker; comparable within one result only."""


class PassageSet(Contract):
    """The artifact behind a `Retrieved` or a `Draft`. Citation [n] means the n-th passage, from 1."""

    passages: tuple[Passage, ...]


class Query(Contract):
    """The input of `retrieve_passages`."""

    owner: Owner
    text: str
    inserts: dict[str, tuple[Content, ...]] = {}
    """The contents for which the references in the text stand, such as `t1.answer`."""
    query_variants: tuple[str, ...] = ()
    """Other wordings of the same search, at most two."""
    scope: Scope = Scope()
    top: int = 6
    tokens: int = 2_400
    """About how many tokens of a prompt the passages may take."""


class Retrieved(Contract):
    """The result of `retrieve_passages`."""

    passages: Reference
    """A `PassageSet`."""
    count: int
    mode: SearchMode
