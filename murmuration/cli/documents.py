"""Finds the readable documents of files and folders, and says why others are left out."""

import base64
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from loopback.serving import CannotStart

BINARY = (".pdf",)
"""Suffixes of documents that are sent as base64."""
READABLE = (
    ".md", ".markdown", ".rst", ".rst.txt", ".txt", ".text", ".html", ".htm", *BINARY,
    ".py", ".pyi", ".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts", ".cts", ".tsx", ".java", ".cs", ".go", ".rs",
    ".c", ".h", ".cc", ".cpp", ".cxx", ".hh", ".hpp", ".sh", ".bash", ".sql", ".yaml", ".yml", ".toml", ".json",
)  # fmt: skip
GENERATED = ("package-lock.json", "npm-shrinkwrap.json", "pnpm-lock.yaml", ".min.js", ".min.mjs")
"""Files of a readable kind that programs wrote for programs."""
SKIPPED_FOLDERS = {"node_modules", "__pycache__", "venv", "site-packages"}
MAX_FILE_BYTES = 4 * 1024 * 1024
MAX_BATCH_BYTES = 3 * 1024 * 1024
MAX_BATCH_DOCUMENTS = 100


@dataclass(frozen=True)
class DocumentSearch:
    """The documents that were found, and the files that were left out."""

    documents: tuple[dict[str, str], ...]
    """Documents as the API takes them: source, and content or content_base64."""
    skipped: Counter[str]
    """Number of files of other kinds, by suffix."""
    unreadable: tuple[tuple[str, str], ...]
    """Files of a readable kind, each with the reason why it can't be read."""

    def missing(self, sources: Sequence[str]) -> list[str]:
        """Return the sources that are no longer on disk; a file that can't be read still is."""
        present = {document["source"] for document in self.documents} | {source for source, _ in self.unreadable}
        return [source for source in sources if source not in present]


def find_documents(paths: Sequence[Path]) -> DocumentSearch:
    """Find all documents of files and folders; raises `CannotStart` if there is none.

    The source of a document is its path below the folder.
    """
    documents: dict[str, dict[str, str]] = {}
    skipped: Counter[str] = Counter()
    unreadable: list[tuple[str, str]] = []
    for start in paths:
        if not start.exists():
            raise CannotStart(f"the documents {str(start)!r} do not exist")
        root = start if start.is_dir() else start.parent
        for path in sorted(_files(start)):
            if not path.name.lower().endswith(READABLE) or path.name.lower().endswith(GENERATED):
                skipped[path.suffix.lower() or path.name] += 1
                continue
            source = path.relative_to(root).as_posix()
            try:
                documents[source] = _content(path)
            except ValueError as reason:
                unreadable.append((source, str(reason)))
    if not documents:
        names = ", ".join(repr(str(path)) for path in paths)
        left_out = sum(skipped.values()) + len(unreadable)
        kinds = " ".join(READABLE)
        raise CannotStart(f"{names} holds no readable document ({left_out} files were left out); readable: {kinds}")
    rows = tuple({"source": source, **content} for source, content in documents.items())
    return DocumentSearch(rows, skipped, tuple(unreadable))


def _files(start: Path) -> Iterator[Path]:
    if start.is_file():
        yield start
        return
    for path in start.iterdir():
        if path.name.startswith(".") or path.name in SKIPPED_FOLDERS:
            continue
        if path.is_dir() and not path.is_symlink():
            yield from _files(path)
        elif path.is_file():
            yield path


def _content(path: Path) -> dict[str, str]:
    """Return the file's content as the API takes it; raises ValueError with the reason why it can't be read."""
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ValueError(f"over {MAX_FILE_BYTES // 1024 // 1024} MiB")
        content = path.read_bytes()
        if path.name.lower().endswith(BINARY):
            return {"content_base64": base64.b64encode(content).decode()}
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError("not UTF-8 text") from None
    except OSError as error:
        raise ValueError(error.strerror or "can't be opened") from None
    if "\0" in text:
        raise ValueError("not text")
    return {"content": text}


def batches(documents: Sequence[dict[str, str]]) -> Iterator[list[dict[str, str]]]:
    """Yield documents in lists small enough for one request."""
    batch: list[dict[str, str]] = []
    size = 0
    for document in documents:
        document_bytes = len(document.get("content", "").encode()) + len(document.get("content_base64", ""))
        if batch and (size + document_bytes > MAX_BATCH_BYTES or len(batch) == MAX_BATCH_DOCUMENTS):
            yield batch
            batch, size = [], 0
        batch.append(document)
        size += document_bytes
    if batch:
        yield batch
