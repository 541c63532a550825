"""What retrieval finds."""

from typing import Literal

from contracts.base import Contract
from contracts.content import Reference

SearchMode = Literal["hybrid", "keyword", "none"]
"""How the passages were found: words and vectors, words alone, or not at all because search was down."""


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
    """Reciprocal-rank-fusion or BM25 score; comparable within one answer of the search only."""


class PassageSet(Contract):
    """What the artifact behind a `Retrieved` or a `Draft` holds. Citation [n] is the n-th passage, from 1."""

    passages: tuple[Passage, ...]


class Query(Contract):
    tenant: str
    text: str
    top: int = 6
    tokens: int = 2_400
    """What the passages may take of a prompt, about."""


class Retrieved(Contract):
    passages: Reference
    count: int
    mode: SearchMode
