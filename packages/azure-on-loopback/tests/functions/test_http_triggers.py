"""HTTP functions: the requests they get, the responses that their results become, and routing between them."""

import http.client
import json
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from loopback.functions.testing import DurableHost
from tests.functions.triggers_host import TRIGGERS, triggers_host

PARTS = (
    b'--cut\r\nContent-Disposition: form-data; name="title"\r\n\r\nA title\r\n'
    b'--cut\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\n'
    b"Content-Type: application/octet-stream\r\n\r\n\x00\xff\r\n--cut--\r\n"
)


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DurableHost]:
    with triggers_host(tmp_path_factory.mktemp("http")) as (host, _):
        yield host


def raw(host: DurableHost, method: str, path: str, *headers: tuple[str, str]) -> tuple[int, list[tuple[str, str]], Any]:
    """Send a request whose headers, or whose answer's headers, are repeated: urllib can neither send nor show them."""
    connection = http.client.HTTPConnection(urlsplit(host.url).netloc, timeout=10)
    try:
        connection.putrequest(method, path)
        for name, value in headers:
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, answer.getheaders(), answer.read()
    finally:
        connection.close()


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_without_methods_a_function_takes_them_all(host: DurableHost, method: str) -> None:
    assert host.call(method, "/api/request").json["method"] == method


def test_a_function_gets_the_whole_request(host: DurableHost) -> None:
    request = host.call("POST", "/api/request/w%20%C3%BC+?q=a%26b&r=%C3%BC", b"body", X_Own="Mixed Case").json

    assert request["url"].startswith(f"{host.url}/api/request/w")
    assert "?q=" in request["url"]
    assert request["params"] == {"q": "a&b", "r": "ü"}
    assert request["route"] == {"word": "w ü+"}
    assert request["body"] == "body"
    assert request["headers"]["x-own"] == "Mixed Case"
    assert request["headers"] == {name.lower(): value for name, value in request["headers"].items()}


def test_values_of_one_query_parameter_are_joined_with_commas(host: DurableHost) -> None:
    assert host.call("GET", "/api/request?a=1&a=2").json["params"] == {"a": "1,2"}


def test_a_query_parameter_without_a_value_is_left_out(host: DurableHost) -> None:
    assert host.call("GET", "/api/request?a=&b&c=3").json["params"] == {"c": "3"}


def test_headers_of_one_name_are_joined_with_commas(host: DurableHost) -> None:
    _, _, body = raw(host, "GET", "/api/request", ("X-Forwarded-For", "1.1.1.1"), ("X-Forwarded-For", "2.2.2.2"))

    assert json.loads(body)["headers"]["x-forwarded-for"].replace(" ", "") == "1.1.1.1,2.2.2.2"


def test_an_escaped_slash_stays_within_its_parameter(host: DurableHost) -> None:
    answer = host.call("GET", "/api/request/a%2Fb")

    assert answer.status == 200
    assert answer.json["route"] == {"word": "a%2Fb"}


def test_a_binary_body_comes_back_as_it_was(host: DurableHost) -> None:
    body = bytes(range(256)) * 4096 * 4

    assert host.call("POST", "/api/mirror", body, Content_Type="application/octet-stream").content == body


def test_an_empty_body_is_empty(host: DurableHost) -> None:
    assert host.call("POST", "/api/mirror").content == b""


def test_forms_are_read(host: DurableHost) -> None:
    kind = "application/x-www-form-urlencoded"
    assert host.call("POST", "/api/form", b"a=1&b=%C3%BC+x", Content_Type=kind).json["form"] == {"a": "1", "b": "ü x"}

    body = host.call("POST", "/api/form", PARTS, Content_Type="multipart/form-data; boundary=cut").json
    assert body == {"form": {"title": "A title"}, "files": {"file": ["a.bin", "\x00\xff"]}}


@pytest.mark.parametrize(("body", "status"), [(b"[1, 2]", 200), (b"[1, 2", 400), (b"", 400)])
def test_a_body_that_is_no_json_is_a_value_error(host: DurableHost, body: bytes, status: int) -> None:
    assert host.call("POST", "/api/sum", body).status == status


def test_the_context_names_the_function_and_each_invocation(host: DurableHost) -> None:
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    first, second = (host.call("GET", "/api/context", traceparent=parent, tracestate="a=b").json for _ in range(2))

    assert (first[0], Path(first[2]), *first[3:]) == ("in_context", TRIGGERS, parent, "a=b")
    assert first[1] != second[1]


@pytest.mark.parametrize(
    ("kind", "status", "content_type", "body"),
    [
        ("text", 200, "text/plain; charset=utf-8", "grüße".encode()),
        ("none", 204, None, b""),
        ("html", 200, "text/html; charset=utf-8", b"<p>"),
        ("latin", 200, "text/plain; charset=latin-1", "é".encode("latin-1")),
        ("own%20type", 200, "text/csv; header=present", b"x"),
        ("created", 201, "text/plain; charset=utf-8", b"made"),
        ("teapot", 418, "text/plain; charset=utf-8", b"short and stout"),
    ],
)
def test_a_result_becomes_a_response(
    host: DurableHost, kind: str, status: int, content_type: str | None, body: bytes
) -> None:
    answer = host.call("GET", f"/api/returns/{kind}")

    assert (answer.status, answer.headers.get("Content-Type"), answer.content) == (status, content_type, body)


@pytest.mark.parametrize(("kind", "content_type"), [("json", "application/json"), ("bytes", "image/png")])
def test_only_text_gets_a_charset(host: DurableHost, kind: str, content_type: str) -> None:
    assert host.call("GET", f"/api/returns/{kind}").headers["Content-Type"] == content_type


def test_an_answers_own_headers_are_sent(host: DurableHost) -> None:
    assert host.call("GET", "/api/returns/own%20type").headers["X-Own"] == "1"
    assert host.call("GET", "/api/returns/created").headers["Location"] == "/api/it"
    assert host.call("GET", "/api/returns/empty").headers["Content-Length"] == "0"


def test_every_cookie_is_set(host: DurableHost) -> None:
    _, headers, _ = raw(host, "GET", "/api/cookies")

    cookies = [value.split(";")[0] for name, value in headers if name.lower() == "set-cookie"]
    assert cookies == ["one=1", "two=2"]


@pytest.mark.parametrize("kind", ["dict", "list", "number", "raw"])
def test_a_result_that_is_no_response_is_a_failure_of_the_function(host: DurableHost, kind: str) -> None:
    answer = host.call("GET", f"/api/returns/{kind}")

    assert (answer.status, answer.content) == (500, b"")


def test_a_large_answer_arrives_whole(host: DurableHost) -> None:
    answer = host.call("GET", "/api/large/8")

    assert answer.content == b"0123456789abcdef" * 65536 * 8


@pytest.mark.parametrize("function", ["raises", "raises_in_thread"])
def test_an_exception_is_a_500_without_details(
    host: DurableHost, function: str, capfd: pytest.CaptureFixture[str]
) -> None:
    answer = host.call("GET", f"/api/{function}/here")

    assert (answer.status, answer.content) == (500, b"")
    assert "LookupError: a secret detail" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("pick/fixed", "fixed"),
        ("pick/FIXED", "fixed"),
        ("pick/fixed/", "fixed"),
        ("pick/12", "id 12"),
        ("pick/word", "name word"),
        ("pick/a/b/c", "rest a/b/c"),
        ("pick", "rest "),
        ("pages", "page 1"),
        ("pages/7", "page 7"),
        ("unrouted", "by its name"),
        ("UNROUTED", "by its name"),
    ],
)
def test_the_most_exact_route_answers(host: DurableHost, path: str, text: str) -> None:
    assert host.call("GET", f"/api/{path}").content.decode() == text


def test_a_segment_that_begins_with_text_is_more_exact_than_a_parameter(host: DurableHost) -> None:
    assert host.call("GET", "/api/pick/file.txt").content == b"file txt"


def test_functions_may_share_a_route_by_method(host: DurableHost) -> None:
    assert host.call("PUT", "/api/pick/fixed").content == b"put"
    assert host.call("DELETE", "/api/pick/fixed").content == b"name fixed", "the next route takes all methods"


@pytest.mark.parametrize("path", ["/api/nowhere", "/", "/pick/fixed", "/api/pages/one", "/api/pages/1/2", "/apipages"])
def test_a_path_without_function_is_not_found(host: DurableHost, path: str) -> None:
    assert host.call("GET", path).status == HTTPStatus.NOT_FOUND


@pytest.mark.parametrize("method", ["POST", "HEAD"])
def test_a_method_without_function_is_not_found(host: DurableHost, method: str) -> None:
    assert host.call(method, "/api/only").status == HTTPStatus.NOT_FOUND
