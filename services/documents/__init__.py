"""Documents become chunks: prose and source parsed by structure, split where their meaning splits. Pure: no I/O."""

from services.documents.chunks import chunk
from services.documents.model import Chunk, Document, Section, UnreadableDocument
from services.documents.reading import SUFFIXES, is_readable, kind_of, read_document

__all__ = [
    "SUFFIXES",
    "Chunk",
    "Document",
    "Section",
    "UnreadableDocument",
    "chunk",
    "is_readable",
    "kind_of",
    "read_document",
]
