"""Documents: as they are uploaded, and as a run reads them into the `knowledge` index."""

import base64
from datetime import datetime
from typing import Annotated

from pydantic import AwareDatetime, Field, StringConstraints, ValidationInfo, field_validator

from murmuration.contracts.base import Contract
from murmuration.contracts.content import Reference
from murmuration.contracts.goals import MAX_WAIT_SECONDS, UserName
from murmuration.contracts.owner import Owner
from murmuration.contracts.runs import RunInput
from murmuration.contracts.usage import Usage


class DocumentUpload(Contract):
    """One document, as text or as base64."""

    source: Annotated[
        str,
        StringConstraints(min_length=1, max_length=512, pattern=r"^[^\x00-\x1f\\]+$", strip_whitespace=True),
    ]
    """The path below the folder that is read, with `/`. Its suffix says how the content is parsed."""
    content_base64: str | None = None
    """The bytes in base64, for a PDF and the like; UTF-8 if they are text."""
    content: Annotated[str | None, Field(validate_default=True)] = None
    """The text. Send either this or `content_base64`."""
    modified: AwareDatetime | None = None
    """The time of the last change, such as 2026-11-21T10:00:00Z; None: the time of reading."""

    @field_validator("content_base64")
    @classmethod
    def _is_base64(cls, value: str | None) -> str | None:
        try:
            base64.b64decode(value or "", validate=True)
        except ValueError:
            raise ValueError("is not base64") from None
        return value

    @field_validator("content")
    @classmethod
    def _one_of_them(cls, value: str | None, info: ValidationInfo) -> str | None:
        """Report an error at `content`, unless `content_base64` has an error of its own."""
        if "content_base64" not in info.data:
            return value
        if value is None and info.data["content_base64"] is None:
            raise ValueError("is missing: send it, or content_base64")
        if value is not None and info.data["content_base64"] is not None:
            raise ValueError("stands beside content_base64: send one of them")
        return value


class DocumentsRequest(Contract):
    """The body of `POST /api/documents`."""

    documents: Annotated[list[DocumentUpload], Field(min_length=1, max_length=500)]
    user: UserName = ""
    """The person whose goals alone find these documents; empty: everybody of the tenant."""
    wait: Annotated[int, Field(ge=0, le=MAX_WAIT_SECONDS)] = 0
    """Seconds that the request waits for the report before it is answered with 202."""


class StoredDocument(Contract):
    """A document in a batch."""

    source: str
    content: str = ""
    content_base64: str | None = None
    """Used instead of `content` when it is set."""
    modified: datetime | None = None


class DocumentBatch(Contract):
    """The artifact behind an `Ingestion`."""

    documents: tuple[StoredDocument, ...]


class DocumentReading(RunInput):
    """The input of `read_documents`."""

    owner: Owner
    batches: tuple[Reference, ...]
    """Artifacts, each a `DocumentBatch`."""


class Ingestion(Contract):
    """The input of `ingest_documents`."""

    owner: Owner
    at: datetime
    """The time of change for documents that don't have one."""
    batch: Reference
    """A `DocumentBatch`."""


class Unreadable(Contract):
    """A document that could not be read."""

    source: str
    reason: str


class ReadingReport(Contract):
    """The result of `ingest_documents` and of `read_documents`: an unreadable document does not stop the others."""

    documents: int = 0
    written: int = 0
    """Chunks that are new or have changed."""
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
