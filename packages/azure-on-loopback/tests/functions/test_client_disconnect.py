"""Callers that disconnect: their function runs to its end, and the host goes on."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from loopback.functions.testing import DurableHost
from tests.functions.triggers_host import Notes, triggers_host

Started = tuple[DurableHost, Notes]


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    with triggers_host(tmp_path_factory.mktemp("callers")) as started:
        yield started


def connection(host: DurableHost) -> socket.socket:
    parts = urlsplit(host.url)
    return socket.create_connection((parts.hostname or "", parts.port or 0), timeout=5)


def request(path: str, body: bytes, length: int | None = None) -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: here\r\nContent-Length: {len(body) if length is None else length}\r\n\r\n"
    return head.encode() + body


@pytest.mark.parametrize("function", ["patient", "patient_in_thread"])
def test_a_function_runs_on_when_its_caller_disconnects(started: Started, tmp_path: Path, function: str) -> None:
    host, notes = started
    body = json.dumps({"until": str(tmp_path / "release")}).encode()
    with connection(host) as caller:
        caller.sendall(request(f"/api/{function}", body))
        notes.wait(function, at="begin")
    assert host.call("GET", "/api/anyone").status == 200
    assert notes.of(function, at="end") == []

    (tmp_path / "release").touch()

    notes.wait(function, at="end")
    assert host.call("GET", "/api/anyone").content == b"anyone"


def test_a_caller_that_disconnects_within_its_request_starts_nothing(started: Started) -> None:
    host, notes = started
    before = len(notes.of("patient"))
    with connection(host) as caller:
        caller.sendall(request("/api/patient", b'{"until": ', length=500))

    assert host.call("GET", "/api/anyone").status == 200
    assert len(notes.of("patient")) == before


def test_a_caller_that_does_not_read_its_answer_holds_up_no_others(started: Started) -> None:
    host, _ = started
    with connection(host) as caller:
        caller.sendall(b"GET /api/large/16 HTTP/1.1\r\nHost: here\r\n\r\n")
        caller.recv(1)
        assert host.call("GET", "/api/anyone").status == 200


@pytest.mark.parametrize(
    "nonsense", [b"\x16\x03\x01\x02\x00", b"GET\r\n\r\n", b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n"]
)
def test_bytes_that_are_no_http_are_refused(started: Started, nonsense: bytes) -> None:
    host, _ = started
    with connection(host) as caller:
        caller.sendall(nonsense)
        caller.shutdown(socket.SHUT_WR)
        answer = caller.recv(100)

    assert answer == b"" or b" 400 " in answer
    assert host.call("GET", "/api/anyone").status == 200


def test_a_body_over_the_limit_of_azure_is_refused(started: Started) -> None:
    host, _ = started
    with connection(host) as caller:
        caller.sendall(request("/api/mirror", b"x", length=100 * 1024 * 1024 + 1))
        block = b"x" * 1024 * 1024
        for _block in range(100):
            caller.sendall(block)
        answer = caller.recv(100)

    assert b" 413 " in answer
