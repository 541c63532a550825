"""Chunks documents as they are stored, and reports those that can't be read."""

import base64
from collections.abc import Iterable

from murmuration.contracts.documents import StoredDocument, Unreadable
from murmuration.documents.chunks import chunk
from murmuration.documents.model import Chunk, UnreadableDocument
from murmuration.documents.reading import read_document


def chunk_documents(documents: Iterable[StoredDocument]) -> tuple[list[Chunk], list[Unreadable]]:
    """Return the chunks of all readable documents, and the others with the reason."""
    chunks: list[Chunk] = []
    unreadable: list[Unreadable] = []
    for document in documents:
        try:
            chunks.extend(chunk(read_document(document.source, _content(document))))
        except UnreadableDocument as problem:
            unreadable.append(Unreadable(source=document.source, reason=problem.reason))
    return chunks, unreadable


def _content(document: StoredDocument) -> str | bytes:
    return document.content if document.content_base64 is None else base64.b64decode(document.content_base64)
