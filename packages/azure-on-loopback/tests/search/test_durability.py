"""What was acknowledged: seen late when a lag is set, there after kill -9."""

import json
import subprocess
import sys
import threading
import time
from pathlib import Path
from sqlite3 import SQLITE_DENY, SQLITE_OK, SQLITE_TRANSACTION, DatabaseError
from urllib.request import Request, urlopen

import pytest
from azure.core.exceptions import AzureError, ResourceNotFoundError
from azure.search.documents import IndexDocumentsBatch, SearchClient
from azure.search.documents.indexes import SearchIndexClient

from loopback.search.checks import index_from
from loopback.search.routes import make_app
from loopback.search.search import search
from loopback.search.store import Store
from loopback.serving import in_thread
from tests.search.conftest import BOOKS, KEY, ROWS, ids


def set_lag(server: str, seconds: float) -> None:
    body = json.dumps({"seconds": seconds}).encode()
    with urlopen(Request(f"{server}/control/visibility-lag", body, {"Content-Type": "application/json"})):  # noqa: S310
        pass


def test_what_is_written_is_seen_when_the_lag_is_over(books: SearchClient, server: str) -> None:
    set_lag(server, 60)
    made, changed, gone, missing = books.index_documents(_batch())

    assert [each.status_code for each in (made, changed, gone, missing)] == [201, 200, 200, 404]
    assert ids(books) == "1234"
    assert books.get_document_count() == 4
    with pytest.raises(ResourceNotFoundError):
        books.get_document("5")

    set_lag(server, 0.2)
    assert ids(books) == "1234"
    time.sleep(0.25)
    assert ids(books, order_by=["id"]) == "1345"
    assert books.get_document("5")["pages"] == 6


def _batch() -> IndexDocumentsBatch:
    batch = IndexDocumentsBatch()
    batch.add_upload_actions([{"id": "5", "pages": 5}])
    batch.add_merge_actions([{"id": "5", "pages": 6}])
    batch.add_delete_actions([{"id": "2"}])
    batch.add_merge_actions([{"id": "2", "pages": 1}])
    return batch


def test_what_is_not_yet_visible_survives_a_restart(tmp_path: Path) -> None:
    with in_thread(lambda: make_app(tmp_path, "secret", 60)) as server, SearchIndexClient(server, KEY) as indexes:
        indexes.create_index(BOOKS)
        with SearchClient(server, "books", KEY) as client:
            client.upload_documents(ROWS)
            assert ids(client) == ""

    with in_thread(lambda: make_app(tmp_path, "secret")) as server, SearchClient(server, "books", KEY) as client:
        assert ids(client, "tea", order_by=["id"]) == "12"


def test_what_waits_for_an_index_that_is_dropped_is_dropped_too(
    books: SearchClient, indexes: SearchIndexClient, server: str
) -> None:
    set_lag(server, 60)
    books.upload_documents([{"id": "5", "text": "late tea"}])
    indexes.delete_index("books")
    indexes.create_index({**BOOKS, "name": "others"})
    with SearchClient(server, "others", KEY) as others:
        set_lag(server, 0)
        assert others.get_document_count() == 0

    indexes.create_index(BOOKS)
    assert ids(books) == ""


def test_an_undone_transaction_leaves_no_vector_to_the_row_that_comes_next(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.define(index_from(BOOKS))
    store._db.set_authorizer(lambda *asked: SQLITE_DENY if asked[:2] == (SQLITE_TRANSACTION, "COMMIT") else SQLITE_OK)
    with pytest.raises(DatabaseError):
        store.write("books", [("upload", {"id": "1", "near": [1.0, 0.0]})])
    store._db.set_authorizer(None)
    store.write("books", [("upload", {"id": "2"})])

    nearest = {"kind": "vector", "vector": [1.0, 0.0], "fields": "near"}
    (shown,) = search(store.table("books"), {"select": "id,near"})["value"]
    assert (shown["id"], shown["near"]) == ("2", [])
    assert search(store.table("books"), {"vectorQueries": [nearest]})["value"] == []
    store.close()


def start(data: Path) -> tuple[subprocess.Popen[str], str]:
    command = [sys.executable, "-m", "loopback", "search", "--port", "0", "--data", str(data), "--key", "secret"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)  # noqa: S603
    assert process.stderr is not None
    return process, process.stderr.readline().rsplit(" ", 1)[-1].strip()


def stop(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()
    assert process.stderr is not None
    process.stderr.close()


def upload_until_killed(client: SearchClient, kept: list[str]) -> None:
    for number in range(100_000):
        names = [f"n{number}-{each}" for each in range(20)]
        client.upload_documents([{"id": name, "text": f"word{number}", "near": [1.0, 2.0]} for name in names])
        kept += names


def test_a_kill_keeps_exactly_what_was_acknowledged(tmp_path: Path) -> None:
    process, server = start(tmp_path)
    with SearchIndexClient(server, KEY) as indexes:
        indexes.create_index(BOOKS)
    kept: list[str] = []
    threading.Timer(1.0, process.kill).start()
    with SearchClient(server, "books", KEY, retry_total=0) as client, pytest.raises(AzureError):
        upload_until_killed(client, kept)
    stop(process)

    process, server = start(tmp_path)
    with SearchClient(server, "books", KEY) as client:
        found = {row["id"] for row in client.search("*", select=["id"], top=100_000)}
        last = kept[-1].partition("-")[0].removeprefix("n")
        assert found >= set(kept)
        assert len(found - set(kept)) in (0, 20), "at most the batch that was under way, and all of it"
        assert len(list(client.search(f"word{last}", top=100))) == 20
    stop(process)
