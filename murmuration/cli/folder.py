"""Finds the documents of a folder: what can be read, and what was left out and why."""

import base64
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from loopback.serving import CannotStart

AS_BYTES = (".pdf",)
"""Kinds that are no text: they are sent as base64."""
READABLE = (
    ".md", ".markdown", ".rst", ".rst.txt", ".txt", ".text", ".html", ".htm", *AS_BYTES,
    ".py", ".pyi", ".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts", ".cts", ".tsx", ".java", ".cs", ".go", ".rs",
    ".c", ".h", ".cc", ".cpp", ".cxx", ".hh", ".hpp", ".sh", ".bash", ".sql", ".yaml", ".yml", ".toml", ".json",
)  # fmt: skip
WRITTEN_BY_PROGRAMS = ("package-lock.json", "npm-shrinkwrap.json", "pnpm-lock.yaml", ".min.js", ".min.mjs")
"""Files of a readable kind with nothing to read in them."""
SKIPPED_FOLDERS = {"node_modules", "__pycache__", "venv", "site-packages"}
MAX_FILE_BYTES = 4 * 1024 * 1024
BATCH_BYTES = 3 * 1024 * 1024
BATCH_DOCUMENTS = 100


@dataclass(frozen=True)
class Found:
    """`documents` as the API takes them: source, and content or content_base64."""

    documents: tuple[dict[str, str], ...]
    skipped: Counter[str]
    """Files of other kinds, by suffix."""
    unreadable: tuple[tuple[str, str], ...]
    """Files of a readable kind, and why they could not be read."""

    def gone(self, sources: Sequence[str]) -> list[str]:
        """Those that are not there any more; a file that can't be read at the moment is."""
        there = {document["source"] for document in self.documents} | {source for source, _ in self.unreadable}
        return [source for source in sources if source not in there]


def find_documents(places: Sequence[Path]) -> Found:
    """All documents of files and folders. Sources are paths below the folder; raises `CannotStart` if there is none."""
    documents: dict[str, dict[str, str]] = {}
    skipped: Counter[str] = Counter()
    unreadable: list[tuple[str, str]] = []
    for place in places:
        if not place.exists():
            raise CannotStart(f"the documents {str(place)!r} do not exist")
        root = place if place.is_dir() else place.parent
        for path in sorted(_files(place)):
            if not path.name.lower().endswith(READABLE) or path.name.lower().endswith(WRITTEN_BY_PROGRAMS):
                skipped[path.suffix.lower() or path.name] += 1
                continue
            source = path.relative_to(root).as_posix()
            try:
                documents[source] = _content(path)
            except ValueError as reason:
                unreadable.append((source, str(reason)))
    if not documents:
        names = ", ".join(repr(str(place)) for place in places)
        left = sum(skipped.values()) + len(unreadable)
        raise CannotStart(f"{names} holds no readable document ({left} files were left out); readable: {READABLE}")
    rows = tuple({"source": source, **content} for source, content in documents.items())
    return Found(rows, skipped, tuple(unreadable))


def _files(place: Path) -> Iterator[Path]:
    if place.is_file():
        yield place
        return
    for path in place.iterdir():
        if path.name.startswith(".") or path.name in SKIPPED_FOLDERS:
            continue
        if path.is_dir() and not path.is_symlink():
            yield from _files(path)
        elif path.is_file():
            yield path


def _content(path: Path) -> dict[str, str]:
    """The file's content as the API takes it; raises ValueError with the reason why it can't be read."""
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ValueError(f"over {MAX_FILE_BYTES // 1024 // 1024} MiB")
        read = path.read_bytes()
        if path.name.lower().endswith(AS_BYTES):
            return {"content_base64": base64.b64encode(read).decode()}
        text = read.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError("not UTF-8 text") from None
    except OSError as error:
        raise ValueError(error.strerror or "can't be opened") from None
    if "\0" in text:
        raise ValueError("not text")
    return {"content": text}


def batches(documents: Sequence[dict[str, str]]) -> Iterator[list[dict[str, str]]]:
    """Lists of documents that one request takes."""
    batch: list[dict[str, str]] = []
    size = 0
    for document in documents:
        bytes_ = len(document.get("content", "").encode()) + len(document.get("content_base64", ""))
        if batch and (size + bytes_ > BATCH_BYTES or len(batch) == BATCH_DOCUMENTS):
            yield batch
            batch, size = [], 0
        batch.append(document)
        size += bytes_
    if batch:
        yield batch
