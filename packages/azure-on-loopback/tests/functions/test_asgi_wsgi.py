"""Whole web apps behind one function: AsgiFunctionApp and WsgiFunctionApp."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from loopback.functions.testing import DurableHost
from tests.functions.commands import Running, running
from tests.functions.triggers_host import APPS


@pytest.fixture(scope="module", params=["asgi", "wsgi"])
def started(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Running]]:
    with running(APPS / request.param, tmp_path_factory.mktemp("web") / "data") as process:
        yield request.param, process


@pytest.fixture
def host(started: tuple[str, Running]) -> DurableHost:
    return started[1].host


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_the_app_gets_every_method_and_path(host: DurableHost, method: str) -> None:
    body = host.call(method, "/any/path/at%20all?q=%20&r=1").json

    assert (body["method"], body["path"], body["query"]) == (method, "/any/path/at all", "q=%20&r=1")


def test_the_app_gets_the_root(host: DurableHost) -> None:
    assert host.call("GET", "/").json["path"] == "/"


def test_a_body_arrives_as_it_is(host: DurableHost) -> None:
    assert host.call("POST", "/x", bytes(range(256))).json["body"] == bytes(range(256)).decode("latin-1")


def test_the_answer_has_the_apps_status_and_headers(host: DurableHost, started: tuple[str, Running]) -> None:
    answer = host.call("GET", "/missing/page")

    headers = {name.lower(): value for name, value in answer.headers.items()}
    assert (answer.status, headers["x-own"]) == (404, started[0])
    assert headers["content-type"].startswith("application/json")


def test_an_exception_of_the_app_is_a_500(host: DurableHost) -> None:
    assert host.call("GET", "/raises").status == 500
    assert host.call("GET", "/").status == 200


def facts(host: DurableHost) -> Any:
    return host.call("POST", "/facts", b"{}", X_Own="own header").json


def test_asgi_starts_its_lifespan_once(host: DurableHost, started: tuple[str, Running]) -> None:
    if started[0] != "asgi":
        pytest.skip("WSGI has no lifespan")
    body = [facts(host) for _ in range(3)][-1]

    assert (body["starts"], body["state"], body["function"]) == (["up"], "kept", "http_app_func")


def test_wsgi_gets_its_environment(host: DurableHost, started: tuple[str, Running]) -> None:
    if started[0] != "wsgi":
        pytest.skip("ASGI has no such environment")
    body = facts(host)

    assert (body["own"], body["kind"], body["uri"]) == ("own header", "application/json", f"{host.url}/facts")


@pytest.mark.parametrize("kind", ["asgi", "wsgi"])
def test_the_host_stops_with_a_web_app_in_it(tmp_path: Path, kind: str) -> None:
    with running(APPS / kind, tmp_path / "data") as process:
        assert process.host.call("GET", "/").status == 200
        assert process.interrupt(5) == 0
