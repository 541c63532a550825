"""Functions that a blob starts: Event Grid delivers the event, the content is in the data folder or in Azurite."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from loopback.serving import in_thread
from tests.functions.polling import eventually
from tests.functions.test_triggers import BLOBS, Started, event, poison, send
from tests.functions.triggers_host import triggers_host

AZURITE = "http://127.0.0.1:10000/devstoreaccount1"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("blobs")


@pytest.fixture(scope="module")
def started(data: Path) -> Iterator[Started]:
    with triggers_host(data) as started:
        yield started


def created(url: str, kind: str = "Microsoft.Storage.BlobCreated") -> dict[str, Any]:
    return event(kind, data={"url": url, "api": "PutBlob"})


def test_a_blob_is_read_from_the_data_folder(started: Started, data: Path) -> None:
    host, notes = started
    folder = data / "data" / "blobs" / "samples" / "deep"
    folder.mkdir(parents=True)
    (folder / "a b.txt").write_text("in the folder", encoding="utf-8")
    url = f"{AZURITE}/samples/deep/a%20b.txt"
    assert host.call("POST", f"{BLOBS}on_blob", [created(url)]).status < 300

    [note] = notes.wait("on_blob", name="samples/deep/a b.txt")
    assert (note["text"], note["length"], note["uri"]) == ("in the folder", 13, url)
    assert send(host, "on_blob", "samples/deep/a b.txt") == 202
    assert len(notes.wait("on_blob", 2, name="samples/deep/a b.txt")) == 2


def test_a_blob_is_fetched_from_azurite(started: Started) -> None:
    async def emulator() -> web.Application:
        async def blob(request: web.Request) -> web.Response:
            return web.Response(text=f"at {request.path}")

        app = web.Application()
        app.router.add_get("/devstoreaccount1/{path:.*}", blob)
        return app

    host, notes = started
    with in_thread(emulator) as url:
        host.call("POST", f"{BLOBS}on_blob", [created(f"{url}/devstoreaccount1/samples/%C3%BC.txt")])
        [note] = notes.wait("on_blob", name="samples/ü.txt")

    assert note["text"] == "at /devstoreaccount1/samples/ü.txt"


def test_only_new_blobs_of_the_path_start_a_function(started: Started, data: Path) -> None:
    host, notes = started
    (data / "data" / "blobs" / "anything").mkdir(parents=True)
    (data / "data" / "blobs" / "anything" / "last.bin").write_bytes(b"last")
    cloud = "https://account.blob.core.windows.net"
    for url in (f"{cloud}/samples/a.png", f"{cloud}/other/a.txt", f"{cloud}/samples2/a.txt"):
        assert host.call("POST", f"{BLOBS}on_blob", [created(url)]).status < 300
    deleted = created(f"{cloud}/samples/gone.txt", "Microsoft.Storage.BlobDeleted")
    assert host.call("POST", f"{BLOBS}on_blob", [deleted]).status < 300
    host.call("POST", f"{BLOBS}on_any_blob", [created(f"{cloud}/anything/last.bin")])

    assert notes.wait("on_any_blob")[0]["text"] == "last"
    assert {note["name"] for note in notes.of("on_blob")} <= {"samples/deep/a b.txt", "samples/ü.txt"}


def test_a_missing_blob_ends_as_poison(started: Started) -> None:
    host, _ = started
    send(host, "on_blob", "samples/none.txt")
    send(host, "on_blob", "samples/../../outside.txt")

    eventually(lambda: poison(host, "none.txt") and poison(host, "outside.txt"), lambda: poison(host, ""))
    assert "FileNotFoundError: no blob 'samples/none.txt'" in poison(host, "none.txt")[0]["error"]
