"""A program: `FOLDER MOMENT` writes documents again and again, until the index is written anew, and dies at MOMENT."""

import os
import sys
from pathlib import Path

from loopback.search.checks import index_from
from loopback.search.store import Store
from tests.search.conftest import BOOKS

DOCUMENTS = 100
VERSIONS = 102
"""With the last one more than 10,000 rows are waste."""
AFTER_THE_COMMIT = "SELECT row FROM documents_2"
MOMENTS = ("INSERT INTO documents_2", "INSERT INTO segments_2", "DROP TABLE documents_1", "COMMIT", AFTER_THE_COMMIT)


def write_until_rewritten(store: Store) -> None:
    store.define(index_from(BOOKS))
    for version in range(VERSIONS):
        write_version(store, version)


def write_version(store: Store, version: int) -> None:
    rows = [
        {"id": f"n{number}", "text": f"version{version} number{number}", "near": [1.0 + number, 1.0 + version]}
        for number in range(DOCUMENTS)
    ]
    store.write("books", [("upload", row) for row in rows])
    store.finish()


def main() -> None:
    folder, moment = sys.argv[1:]
    store = Store(Path(folder))
    is_rewriting = False

    def watch(statement: str) -> None:
        nonlocal is_rewriting
        is_rewriting = is_rewriting or statement.startswith("DROP TABLE documents_1")
        if statement.startswith(moment) and (moment != "COMMIT" or is_rewriting):
            os._exit(9)

    store._db.set_trace_callback(watch)
    write_until_rewritten(store)


if __name__ == "__main__":
    main()
