"""`loopback search` as a person starts it: its data folder, --reset, and the end of its parent."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from loopback.search.checks import index_from
from loopback.search.store import SCHEMA_VERSION, Store
from loopback.serving import STDIN_WATCH
from tests.search.conftest import BOOKS, ROWS

COMMAND = [sys.executable, "-m", "loopback", "search", "--port", "0"]
NEXT_VERSION = SCHEMA_VERSION + 1


def write_books(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    store = Store(folder)
    store.define(index_from(BOOKS))
    store.write("books", [("upload", dict(row)) for row in ROWS])
    store.close()


def run(folder: Path, *arguments: str) -> tuple[int, str]:
    """Start the command and close its standard input at once; returns the exit status and what it wrote."""
    done = subprocess.run(  # noqa: S603
        [*COMMAND, *arguments],
        cwd=folder,
        env={**os.environ, STDIN_WATCH: "1"},
        input="",
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    return done.returncode, done.stderr


def test_it_stops_when_its_standard_input_closes_and_keeps_its_data_in_the_working_directory(tmp_path: Path) -> None:
    status, written = run(tmp_path)

    assert status == 0
    assert written.startswith("search service listening on http://127.0.0.1:")
    assert written.count("\n") == 1
    assert (tmp_path / ".loopback" / "search" / "search.db").is_file()


def test_reset_deletes_the_indexes_and_no_other_file(tmp_path: Path) -> None:
    write_books(tmp_path)
    (tmp_path / "notes.txt").write_text("mine")

    assert run(tmp_path, "--data", str(tmp_path))[0] == 0
    store = Store(tmp_path)
    assert list(store.tables) == ["books"]
    store.close()
    assert run(tmp_path, "--data", str(tmp_path), "--reset")[0] == 0

    store = Store(tmp_path)
    assert list(store.tables) == []
    store.close()
    assert (tmp_path / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize(
    ("pragma", "reason"),
    [
        (
            f"user_version={SCHEMA_VERSION + 1}",
            f"is of version {SCHEMA_VERSION + 1}, not {SCHEMA_VERSION}: use --reset",
        ),
        ("application_id=7", "belongs to something else: use another --data"),
    ],
)
def test_data_of_another_version_or_program_is_refused_and_kept(tmp_path: Path, pragma: str, reason: str) -> None:
    write_books(tmp_path)
    database = sqlite3.connect(tmp_path / "search.db")
    database.execute(f"PRAGMA {pragma}")
    database.close()
    before = (tmp_path / "search.db").read_bytes()

    status, written = run(tmp_path, "--data", str(tmp_path))

    assert status == 2
    assert written == f"search service: the data file {str(tmp_path / 'search.db')!r} {reason}\n"
    assert (tmp_path / "search.db").read_bytes() == before
