"""`call_http` against a server that the tests start."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from loopback.functions.testing import DurableHost
from loopback.serving import free_port
from tests.functions.semantics import TASK_SCHEDULED, events, failure, output, run


class _Answers(BaseHTTPRequestHandler):
    """Answers /<status> with that status, /echo with the request, and /job/<n> with 202 until n polls."""

    polls: int = 0

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
        """Log nothing."""

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        headers: list[tuple[str, str]] = []
        status, content = 200, f"body of {self.path}".encode()
        if self.path == "/echo":
            sent = {"method": self.command, "body": body, "headers": {k.lower(): v for k, v in self.headers.items()}}
            content = json.dumps(sent).encode()
        elif self.path == "/headers":
            headers = [("X-Once", "1"), ("X-Twice", "a"), ("X-Twice", "b")]
        elif self.path.startswith("/job/"):
            left = int(self.path.removeprefix("/job/"))
            status = 202 if left else 200
            headers = [("Location", f"/job/{left - 1}"), ("Retry-After", "0")] if left else []
            content = f"{self.command} {left}".encode()
        elif self.path == "/moved":
            status, headers = 302, [("Location", "/200")]
        elif self.path == "/latin1":
            content = b"caf\xe9"
        else:
            status = int(self.path.strip("/"))
            content = b"" if status == 204 else content
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = _answer  # noqa: N815 - the base class looks for these names


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Answers) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


@pytest.mark.parametrize("status", [200, 201, 204, 400, 401, 404, 409, 500, 503])
def test_every_status_is_an_answer(host: DurableHost, server: str, status: int) -> None:
    answer = output(host, "fetches", {"url": f"{server}/{status}"})

    assert answer.keys() == {"statusCode", "headers", "content"}
    assert answer["statusCode"] == status
    assert answer["content"] == ("" if status == 204 else f"body of /{status}")


def test_a_repeated_header_is_a_list(host: DurableHost, server: str) -> None:
    headers = output(host, "fetches", {"url": f"{server}/headers"})["headers"]

    assert (headers["X-Once"], headers["X-Twice"]) == ("1", ["a", "b"])


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(("content", "body"), [(None, ""), ({"a": 1}, '{"a": 1}'), ("text", '"text"')])
def test_the_request_is_sent_unchanged(host: DurableHost, server: str, method: str, content: Any, body: str) -> None:
    request = {"url": f"{server}/echo", "method": method, "content": content, "headers": {"X-Mine": "1"}}
    sent = json.loads(output(host, "fetches", request)["content"])

    assert (sent["method"], sent["body"], sent["headers"]["x-mine"]) == (method, body, "1")


@pytest.mark.parametrize("polls", [1, 3])
def test_a_202_is_polled_until_the_job_is_done(host: DurableHost, server: str, polls: int) -> None:
    answer = output(host, "fetches", {"url": f"{server}/job/{polls}", "method": "POST"})

    assert (answer["statusCode"], answer["content"]) == (200, "GET 0")


def test_a_202_without_a_location_is_the_answer(host: DurableHost, server: str) -> None:
    assert output(host, "fetches", {"url": f"{server}/202"})["statusCode"] == 202


def test_a_port_without_a_server_fails_the_call(host: DurableHost) -> None:
    assert "Connect" in failure(host, "fetches", {"url": f"http://127.0.0.1:{free_port()}/"})


def test_a_request_is_an_activity_of_the_host(host: DurableHost, server: str) -> None:
    ended = run(host, "fetches", {"url": f"{server}/200"})

    assert [event["Name"] for event in events(host, ended["instanceId"], TASK_SCHEDULED)] == ["BuiltIn::HttpActivity"]


def test_a_request_can_be_awaited_together_with_other_tasks(host: DurableHost, server: str) -> None:
    tasks = [{"kind": "http", "url": f"{server}/200"}, {"kind": "activity", "name": "echo", "input": 1}]
    http, echoed = output(host, "all_of", {"tasks": tasks})

    assert (http["statusCode"], echoed) == (200, 1)
    assert output(host, "any_of", {"tasks": [{"kind": "event", "name": "Never"}, tasks[0]]})[0] == 1


def test_an_answer_that_is_not_utf8_is_an_answer(host: DurableHost, server: str) -> None:
    assert output(host, "fetches", {"url": f"{server}/latin1"})["content"].startswith("caf")
