"""Reading documents into memory."""

from typing import Annotated

from pydantic import Field, StringConstraints

from contracts.base import Contract, Request
from contracts.content import Reference
from contracts.goals import MAX_WAIT_SECONDS
from contracts.usage import Usage


class DocumentUpload(Request):
    source: Annotated[
        str,
        StringConstraints(min_length=1, max_length=512, pattern=r"^[^\x00-\x1f\\]+$", strip_whitespace=True),
    ]
    """The path below the folder it comes from, with `/`. Its suffix says how the content is read."""
    content: str


class DocumentsRequest(Request):
    """The body of `POST /api/documents`."""

    documents: Annotated[list[DocumentUpload], Field(min_length=1, max_length=500)]
    wait: Annotated[int, Field(ge=0, le=MAX_WAIT_SECONDS)] = 0
    """Seconds the starter waits for the report before it answers 202."""


class StoredDocument(Contract):
    source: str
    content: str


class DocumentBatch(Contract):
    """What the artifact behind an `Ingestion` holds."""

    documents: tuple[StoredDocument, ...]


class Reading(Contract):
    """The input of a run that reads documents: batches, each an artifact."""

    tenant: str
    batches: tuple[Reference, ...]


class Ingestion(Contract):
    tenant: str
    batch: Reference


class Unreadable(Contract):
    source: str
    reason: str


class ReadingReport(Contract):
    """Counts of documents and chunks; a document that could not be read does not stop the others."""

    documents: int = 0
    written: int = 0
    """Chunks that are new or changed."""
    unchanged: int = 0
    removed: int = 0
    """Chunks that the new version of their document no longer has."""
    unreadable: tuple[Unreadable, ...] = ()
    usage: Usage = Usage()
    degraded: tuple[str, ...] = ()

    def __add__(self, other: "ReadingReport") -> "ReadingReport":
        return ReadingReport(
            documents=self.documents + other.documents,
            written=self.written + other.written,
            unchanged=self.unchanged + other.unchanged,
            removed=self.removed + other.removed,
            unreadable=self.unreadable + other.unreadable,
            usage=self.usage + other.usage,
            degraded=tuple(sorted({*self.degraded, *other.degraded})),
        )
