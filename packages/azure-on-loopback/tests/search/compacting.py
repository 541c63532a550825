"""A program `FOLDER STATEMENT`: writes documents until the index is compacted, and dies at the SQL statement."""

import os
import sys
from pathlib import Path

from loopback.search.checks import index_from
from loopback.search.store import Store
from tests.search.conftest import BOOKS

DOCUMENTS = 100
VERSIONS = 102
"""The last version makes more than 10,000 rows dead."""
AFTER_THE_COMMIT = "SELECT row FROM documents_2"
STATEMENTS = ("INSERT INTO documents_2", "INSERT INTO segments_2", "DROP TABLE documents_1", "COMMIT", AFTER_THE_COMMIT)


def write_until_compacted(store: Store) -> None:
    store.define(index_from(BOOKS))
    for version in range(VERSIONS):
        write_version(store, version)


def write_version(store: Store, version: int) -> None:
    rows = [
        {"id": f"n{number}", "text": f"version{version} number{number}", "near": [1.0 + number, 1.0 + version]}
        for number in range(DOCUMENTS)
    ]
    store.write("books", [("upload", row) for row in rows])
    store.index_written()


def main() -> None:
    folder, fatal = sys.argv[1:]
    store = Store(Path(folder))
    is_compacting = False

    def watch(statement: str) -> None:
        nonlocal is_compacting
        is_compacting = is_compacting or statement.startswith("DROP TABLE documents_1")
        if statement.startswith(fatal) and (fatal != "COMMIT" or is_compacting):
            os._exit(9)

    store._db.set_trace_callback(watch)
    write_until_compacted(store)


if __name__ == "__main__":
    main()
