"""Compaction: deleted and replaced documents give their space back, and a kill meanwhile loses nothing."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from azure.search.documents import SearchClient
from azure.search.documents.indexes import SearchIndexClient

from loopback.search.checks import index_from
from loopback.search.disk import data_files
from loopback.search.routes import make_app
from loopback.search.search import search
from loopback.search.store import Store
from loopback.serving import in_thread
from tests.search.compacting import DOCUMENTS, STATEMENTS, VERSIONS, write_until_compacted, write_version
from tests.search.conftest import BOOKS, KEY, ids


def search_ids(store: Store, **body: Any) -> list[str]:
    return [row["id"] for row in search(store.table("books"), {"top": 1_000, **body})["value"]]


def assert_only_the_last_version_exists(store: Store) -> None:
    everything = {f"n{number}" for number in range(DOCUMENTS)}
    assert set(search_ids(store)) == everything
    assert set(search_ids(store, search=f"version{VERSIONS - 1}")) == everything
    assert search_ids(store, search="version0") == []
    assert search_ids(store, search='"number7"') == ["n7"]
    table = store.table("books")
    row, _ = table.documents.get("n7") or (0, {})
    assert table.vector("near", row) == pytest.approx([8.0, VERSIONS])
    flattest = {"kind": "vector", "vector": [1.0, 0.0], "fields": "near", "k": 1}
    assert search_ids(store, search=None, vectorQueries=[flattest]) == [f"n{DOCUMENTS - 1}"]


def table_numbers(folder: Path) -> set[str]:
    return {path.name.partition("-")[0] for path in data_files(folder)}


def test_an_index_of_mostly_dead_rows_is_compacted(tmp_path: Path) -> None:
    store = Store(tmp_path)
    write_until_compacted(store)

    assert table_numbers(tmp_path) == {"2"}
    assert len(store.table("books").alive) == DOCUMENTS + 1
    assert_only_the_last_version_exists(store)
    store.close()


def test_disk_space_is_bounded_by_the_live_documents(tmp_path: Path) -> None:
    store = Store(tmp_path)
    write_until_compacted(store)
    once = sum(path.stat().st_size for path in tmp_path.iterdir())
    for version in range(5 * VERSIONS):
        write_version(store, version)

    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 2 * once
    store.close()


@pytest.mark.parametrize("statement", STATEMENTS)
def test_a_kill_during_compaction_loses_nothing(tmp_path: Path, statement: str) -> None:
    program = [sys.executable, "-m", "tests.search.compacting", str(tmp_path), statement]
    assert subprocess.run(program, check=False).returncode == 9  # noqa: S603

    store = Store(tmp_path)
    assert_only_the_last_version_exists(store)
    assert len(table_numbers(tmp_path)) == 1, "no file is left of the other table"
    write_version(store, VERSIONS)
    write_version(store, VERSIONS - 1)
    assert_only_the_last_version_exists(store)
    store.close()


def test_segments_lack_the_words_of_deleted_documents(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.define(index_from(BOOKS))
    many = " ".join(f"rare{number}" for number in range(2_000))
    for number in range(120):
        store.write("books", [("upload", {"id": f"n{number % 40}", "text": f"{many} turn{number}"})])
        store.index_written()

    assert set(search_ids(store, search="rare1999")) == {f"n{number}" for number in range(40)}
    assert search_ids(store, search="turn3") == []
    store.close()
    store = Store(tmp_path)
    assert set(search_ids(store, search="rare1999 + turn119", searchMode="all")) == {"n39"}
    store.close()


def fill(folder: Path) -> None:
    with in_thread(lambda: make_app(folder, "secret")) as server, SearchIndexClient(server, KEY) as indexes:
        indexes.create_index(BOOKS)
        with SearchClient(server, "books", KEY) as client:
            text = " ".join(f"w{number}" for number in range(3_000))
            client.upload_documents([{"id": f"n{n}", "text": text, "near": [1.0, n]} for n in range(100)])
            assert ids(client, "w7", top=1) != ""


def start(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "loopback", "search", "--port", "0", "--data", str(folder)]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=20)  # noqa: S603


@pytest.mark.parametrize("name", ["1-near.vectors", "1-near.lengths", "1-100.words", "search.db"])
@pytest.mark.parametrize("damage", ["missing", "cut off", "empty"])
def test_a_damaged_file_is_named_and_no_other_file_is_touched(tmp_path: Path, name: str, damage: str) -> None:
    fill(tmp_path)
    path = tmp_path / name
    whole = path.read_bytes()
    others = {data_file: data_file.read_bytes() for data_file in data_files(tmp_path) if data_file != path}
    path.unlink()
    if damage != "missing":
        path.write_bytes(whole[:300] if damage == "cut off" else b"")

    refused = start(tmp_path)

    assert refused.returncode == 2
    assert name in refused.stderr
    assert "Traceback" not in refused.stderr
    assert {other: other.read_bytes() for other in others} == others
    for leftover in tmp_path.glob("search.db-*"):
        leftover.unlink()
    path.write_bytes(whole)
    store = Store(tmp_path)
    assert search_ids(store, search="w7 w8", top=1) == ["n0"]
    store.close()


def test_a_file_that_is_no_database_is_named_and_kept(tmp_path: Path) -> None:
    (tmp_path / "search.db").write_bytes(b"This is a letter, not a database. " * 200)

    refused = start(tmp_path)

    assert refused.returncode == 2
    assert "search.db" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert (tmp_path / "search.db").read_bytes().startswith(b"This is a letter")
