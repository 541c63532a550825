"""What a kill at any moment must leave whole: transactions, and the files that a transaction begins to count on.

A file is written first and named by a row of SQLite then; so a file that no row names is left over from a kill.
"""

import re
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

WORDS, VECTORS, LENGTHS = ".words", ".vectors", ".lengths"
_OURS = re.compile(r"\d+-\w+(?:\.words|\.vectors|\.lengths)")


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """All of it or nothing."""
    db.execute("BEGIN IMMEDIATE")
    with db:
        yield


def data_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*-*") if _OURS.fullmatch(path.name))


def remove(paths: Iterable[Path]) -> None:
    """What can't be deleted now, as Windows deletes no file that is still mapped, is deleted at the next start."""
    for path in paths:
        with suppress(OSError):
            path.unlink(missing_ok=True)
