"""Parses documents by structure and splits them into chunks where their meaning splits. Pure: no I/O."""

from murmuration.documents.chunks import chunk
from murmuration.documents.model import Chunk, Document, Section, UnreadableDocument
from murmuration.documents.reading import SUFFIXES, is_readable, kind_of, read_document
from murmuration.documents.stored import chunk_documents

__all__ = [
    "SUFFIXES",
    "Chunk",
    "Document",
    "Section",
    "UnreadableDocument",
    "chunk",
    "chunk_documents",
    "is_readable",
    "kind_of",
    "read_document",
]
