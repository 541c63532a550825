"""Reading documents into memory."""

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
    source: Annotated[
        str,
        StringConstraints(min_length=1, max_length=512, pattern=r"^[^\x00-\x1f\\]+$", strip_whitespace=True),
    ]
    """The path below the folder it comes from, with `/`. Its suffix says how the content is read."""
    content_base64: str | None = None
    """What isn't text, such as a PDF: its bytes in base64. Of text, UTF-8."""
    content: Annotated[str | None, Field(validate_default=True)] = None
    """The text. Either this or `content_base64` is given."""
    modified: AwareDatetime | None = None
    """When the document was last changed, as `2026-11-21T10:00:00Z`; the time of reading unless given."""

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
        """The error stands at `content`; there is none where `content_base64` has an error of its own."""
        if "content_base64" not in info.data:
            return value
        if value is None and info.data["content_base64"] is None:
            raise ValueError("is missing: give it, or content_base64")
        if value is not None and info.data["content_base64"] is not None:
            raise ValueError("is given beside content_base64: give one of them")
        return value


class DocumentsRequest(Contract):
    """The body of `POST /api/documents`."""

    documents: Annotated[list[DocumentUpload], Field(min_length=1, max_length=500)]
    user: UserName = ""
    """Whose documents these are: only goals of the same user find them. Everybody's of the tenant unless given."""
    wait: Annotated[int, Field(ge=0, le=MAX_WAIT_SECONDS)] = 0
    """Seconds the starter waits for the report before it answers 202."""


class StoredDocument(Contract):
    source: str
    content: str = ""
    content_base64: str | None = None
    """Counts instead of `content` where it is there."""
    modified: datetime | None = None


class DocumentBatch(Contract):
    """What the artifact behind an `Ingestion` holds."""

    documents: tuple[StoredDocument, ...]


class DocumentReading(RunInput):
    """The input of `read_documents`."""

    owner: Owner
    batches: tuple[Reference, ...]
    """Artifacts, each a `DocumentBatch`."""


class Ingestion(Contract):
    owner: Owner
    at: datetime
    """Of documents that don't say it, the time they have changed."""
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
