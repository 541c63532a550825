"""Transactions, and the files beside the database.

A file is written before the transaction whose commit names it. So a kill at any moment leaves at most files that no row
names; they are deleted at the next start.
"""

import re
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

WORDS, VECTORS, LENGTHS = ".words", ".vectors", ".lengths"
_DATA_FILE = re.compile(r"\d+-\w+(?:\.words|\.vectors|\.lengths)")


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """Commit all of the block's statements, or none when it raises."""
    db.execute("BEGIN IMMEDIATE")
    with db:
        yield


def data_files(folder: Path) -> list[Path]:
    """List the files of words and vectors in a folder."""
    return sorted(path for path in folder.glob("*-*") if _DATA_FILE.fullmatch(path.name))


def delete_files(paths: Iterable[Path]) -> None:
    """Delete the files, but leave those that are still mapped on Windows: the next start deletes them."""
    for path in paths:
        with suppress(OSError):
            path.unlink(missing_ok=True)
