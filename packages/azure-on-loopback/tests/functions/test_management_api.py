"""The management API at both of its bases: routes, status codes, headers, bodies."""

import re
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from loopback.functions.testing import Answer, DurableHost
from tests.functions.client_calls import LINKS
from tests.functions.polling import eventually
from tests.functions.semantics import BASE, run

RPC = "/durabletask"
STATUS = {
    "name",
    "instanceId",
    "runtimeStatus",
    "input",
    "customStatus",
    "output",
    "createdTime",
    "lastUpdatedTime",
}
ERROR = {"Message", "ExceptionMessage", "ExceptionType", "StackTrace"}


@pytest.fixture(params=[BASE, RPC], ids=["webhooks", "rpc"])
def base(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def waiting(host: DurableHost) -> str:
    instance = host.start("waits", {"a": 1})
    host.wait_for_custom_status(instance, "waiting")
    return instance


def suspended(host: DurableHost) -> str:
    instance = waiting(host)
    host.control(instance, "suspend")
    host.wait(instance, until="Suspended")
    return instance


def terminated(host: DurableHost) -> str:
    instance = waiting(host)
    host.control(instance, "terminate", "over")
    return instance


def completed(host: DurableHost) -> str:
    return str(run(host, "gets", {"a": 1})["instanceId"])


def failed(host: DurableHost) -> str:
    return str(run(host, "raises")["instanceId"])


def unknown(_: DurableHost) -> str:
    return "nobody"


def error_body(answer: Answer, status: int) -> dict[str, Any]:
    assert answer.status == status, answer
    assert answer.headers["Content-Type"].startswith("application/json")
    assert answer.json.keys() == ERROR
    assert answer.json["ExceptionMessage"]
    return dict(answer.json)


# Start


@pytest.mark.parametrize("value", [None, {}, {"a": 1}], ids=repr)
def test_a_start_answers_with_links(host: DurableHost, base: str, value: Any) -> None:
    answer = host.call("POST", f"{base}/orchestrators/gets", value)

    assert answer.status == 202
    assert answer.json.keys() == LINKS
    assert answer.headers["Location"] == answer.json["statusQueryGetUri"]
    assert answer.headers["Retry-After"] == "10"
    assert re.fullmatch(r"[0-9a-f]{32}", answer.json["id"])
    assert host.wait(answer.json["id"])["output"] == value


def test_the_links_do_what_their_names_say(host: DurableHost) -> None:
    instance = waiting(host)
    links = host.call("POST", f"{BASE}/orchestrators/gets/linked", {}).json
    links = {name: urlsplit(link.replace("linked", instance)) for name, link in links.items() if name != "id"}
    paths = {name: f"{link.path}?{link.query}" for name, link in links.items()}

    assert host.call("GET", paths["statusQueryGetUri"]).status == 202
    assert host.call("POST", paths["suspendPostUri"].replace("{text}", "why")).status == 202
    host.wait(instance, until="Suspended")
    assert host.call("POST", paths["resumePostUri"].replace("{text}", "why")).status == 202
    host.wait(instance, until="Running")
    assert host.call("POST", paths["sendEventPostUri"].replace("{eventName}", "Other"), 1).status == 202
    assert host.call("POST", paths["terminatePostUri"].replace("{text}", "why")).status == 202
    assert host.wait(instance)["output"] == "why"
    assert host.call("POST", paths["rewindPostUri"].replace("{text}", "why")).status == 410
    assert host.call("POST", paths["restartPostUri"]).status == 202
    assert host.call("DELETE", paths["purgeHistoryDeleteUri"]).status == 200


@pytest.mark.parametrize("instance", ["own-id", "a b", "ü", "a:1", "a@b", "x" * 100, "a%b", "a+b", "a&b=c", "..."])
def test_a_start_takes_an_id_and_its_links_are_right(host: DurableHost, base: str, instance: str) -> None:
    path = quote(instance, safe="")
    answer = host.call("POST", f"{base}/orchestrators/gets/{path}", {})
    assert (answer.status, answer.json["id"]) == (202, instance)

    ended = host.wait(instance)
    assert ended["instanceId"] == instance
    link = urlsplit(answer.headers["Location"])
    assert host.call("GET", f"{link.path}?{link.query}").json == ended
    assert host.call("DELETE", f"{base}/instances/{path}").status == 200


@pytest.mark.parametrize("path", ["orchestrators/gets/%7Bid%7D", "entities/box/%7Bkey%7D?op=put"])
def test_an_id_or_a_key_may_have_braces(host: DurableHost, base: str, path: str) -> None:
    assert host.call("POST", f"{base}/{path}", {}).status == 202


@pytest.mark.parametrize(
    ("path", "body", "message"),
    [
        ("nobody", {}, "The function 'nobody' doesn't exist, is disabled, or is not an orchestrator function"),
        ("echo", {}, "The function 'echo' doesn't exist, is disabled, or is not an orchestrator function"),
        ("box", {}, "is not an orchestrator function"),
        ("gets", b"{no json", ""),
        ("gets", b'{"a": 1} 2', ""),
        ("gets", b"\xff\xfe", ""),
        ("gets/@id", {}, ""),
        ("gets/%40id", {}, ""),
    ],
)
def test_a_start_that_cannot_be_is_error_body(host: DurableHost, base: str, path: str, body: Any, message: str) -> None:
    assert message in error_body(host.call("POST", f"{base}/orchestrators/{path}", body), 400)["ExceptionMessage"]


def test_an_orchestrators_name_is_found_in_any_case(host: DurableHost) -> None:
    assert host.call("POST", f"{BASE}/orchestrators/GETS", {}).status == 202


@pytest.mark.parametrize("make", [waiting, suspended])
def test_a_start_with_an_id_that_runs_is_a_conflict(host: DurableHost, base: str, make: Any) -> None:
    error_body(host.call("POST", f"{base}/orchestrators/gets/{make(host)}", {}), 409)


@pytest.mark.parametrize(("name", "value", "body"), [("gets", {"a": 1}, {"a": 1}), ("gets", None, None)])
def test_a_start_can_wait_for_the_output(host: DurableHost, base: str, name: str, value: Any, body: Any) -> None:
    answer = host.call("POST", f"{base}/orchestrators/{name}?timeout=10&pollingInterval=1", value)

    assert (answer.status, answer.json) == (200, body)


def test_a_start_that_waits_in_vain_answers_with_links(host: DurableHost) -> None:
    answer = host.call("POST", f"{BASE}/orchestrators/waits?timeout=0.05&pollingInterval=0.01", None)

    assert (answer.status, answer.json.keys()) == (202, LINKS)


@pytest.mark.parametrize("query", ["timeout=10", "pollingInterval=1"])
def test_a_start_waits_only_with_both_parameters(host: DurableHost, query: str) -> None:
    assert host.call("POST", f"{BASE}/orchestrators/gets?{query}", {}).status == 202


# Status


@pytest.mark.parametrize(
    ("make", "status", "code"),
    [
        (waiting, "Running", 202),
        (suspended, "Suspended", 202),
        (completed, "Completed", 200),
        (failed, "Failed", 200),
        (terminated, "Terminated", 200),
    ],
)
def test_a_status_is_shown(host: DurableHost, base: str, make: Any, status: str, code: int) -> None:
    instance = make(host)
    answer = host.call("GET", f"{base}/instances/{instance}")

    assert (answer.status, answer.json["runtimeStatus"], answer.json["instanceId"]) == (code, status, instance)
    assert answer.json.keys() == STATUS
    for name in ("createdTime", "lastUpdatedTime"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", answer.json[name])
    if code == 202:
        assert answer.headers["Retry-After"] == "5"
        assert urlsplit(answer.headers["Location"]).path == f"{base}/instances/{instance}"
    else:
        assert "Location" not in answer.headers


@pytest.mark.parametrize(("query", "code"), [("", 200), ("=true", 500), ("=True", 500), ("=false", 200)])
def test_a_failure_is_a_500_only_if_asked_for(host: DurableHost, base: str, query: str, code: int) -> None:
    flag = f"?returnInternalServerErrorOnFailure{query}" if query else ""
    answer = host.call("GET", f"{base}/instances/{failed(host)}{flag}")

    assert (answer.status, answer.json["runtimeStatus"]) == (code, "Failed")


@pytest.mark.parametrize("make", [completed, terminated, waiting])
def test_a_run_that_has_not_failed_is_no_500(host: DurableHost, make: Any) -> None:
    flag = "?returnInternalServerErrorOnFailure=true"

    assert host.call("GET", f"{BASE}/instances/{make(host)}{flag}").status in (200, 202)


@pytest.mark.parametrize(
    ("query", "value"), [("", {"a": 1}), ("?showInput=true", {"a": 1}), ("?showInput=false", None)]
)
def test_the_input_is_shown_by_default(host: DurableHost, query: str, value: Any) -> None:
    assert host.call("GET", f"{BASE}/instances/{completed(host)}{query}").json["input"] == value


@pytest.mark.parametrize("instance", ["nobody", "a%2Fb", "%00", "@box@nobody", "x" * 300])
def test_an_unknown_run_has_no_status(host: DurableHost, base: str, instance: str) -> None:
    answer = host.call("GET", f"{base}/instances/{instance}")

    assert (answer.status, answer.content) == (404, b"")


def test_the_output_of_a_failed_or_terminated_run_is_text(host: DurableHost) -> None:
    assert host.status(failed(host))["output"] == "Orchestrator function 'raises' failed: on purpose"
    assert host.status(terminated(host))["output"] == "over"


# Control

VERBS = ("raiseEvent/Go", "terminate", "suspend", "resume", "rewind")
CODES = {
    unknown: dict.fromkeys(VERBS, 404),
    completed: dict.fromkeys(VERBS, 410),
    terminated: dict.fromkeys(VERBS, 410),
    failed: {**dict.fromkeys(VERBS, 410), "rewind": 202},
    waiting: {"raiseEvent/Go": 202, "terminate": 202, "suspend": 202, "resume": 500, "rewind": 500},
    suspended: {"raiseEvent/Go": 202, "terminate": 202, "suspend": 500, "resume": 202, "rewind": 500},
}


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("make", CODES)
def test_commands_depend_on_the_status(host: DurableHost, base: str, make: Any, verb: str) -> None:
    answer = host.call("POST", f"{base}/instances/{make(host)}/{verb}?reason=why", {})

    assert answer.status == CODES[make][verb]
    if answer.status == 500:
        error_body(answer, 500)
    else:
        assert answer.content == b""


@pytest.mark.parametrize("verb", ["terminate", "suspend", "resume", "rewind"])
@pytest.mark.parametrize("query", ["", "?reason=", "?reason=a%20b%26%C3%BC"])
def test_a_reason_may_be_left_out(host: DurableHost, verb: str, query: str) -> None:
    make = {"resume": suspended, "rewind": failed}.get(verb, waiting)

    assert host.call("POST", f"{BASE}/instances/{make(host)}/{verb}{query}").status == 202


def test_a_reason_is_kept_unchanged(host: DurableHost) -> None:
    instance = waiting(host)
    host.call("POST", f"{BASE}/instances/{instance}/terminate?reason=a%20b%26%C3%BC%22")

    assert host.wait(instance)["output"] == 'a b&ü"'


@pytest.mark.parametrize(
    ("kind", "body"), [("text/plain", b"1"), ("application/json", b"{no json"), ("application/xml", b"<a/>")]
)
def test_an_event_that_is_not_json_is_error_body(host: DurableHost, base: str, kind: str, body: bytes) -> None:
    path = f"{base}/instances/{waiting(host)}/raiseEvent/Go"

    error_body(host.call("POST", path, body, Content_Type=kind), 400)


def test_an_event_may_be_sent_with_a_charset(host: DurableHost) -> None:
    instance = waiting(host)
    path = f"{BASE}/instances/{instance}/raiseEvent/Go"

    assert host.call("POST", path, b'"\xc3\xbc"', Content_Type="application/json; charset=utf-8").status == 202
    assert host.wait(instance)["output"] == "ü"


@pytest.mark.parametrize("make", [completed, failed, terminated])
@pytest.mark.parametrize("query", ["", "?restartWithNewInstanceId=false"])
def test_a_restart_answers_with_links(host: DurableHost, base: str, make: Any, query: str) -> None:
    instance = make(host)
    answer = host.call("POST", f"{base}/instances/{instance}/restart{query}")

    assert (answer.status, answer.json.keys(), answer.headers["Retry-After"]) == (202, LINKS, "10")
    assert (answer.json["id"] == instance) == bool(query)
    eventually(lambda: host.status(answer.json["id"])["runtimeStatus"] != "Pending")


def test_a_restart_of_nobody_is_error_body(host: DurableHost, base: str) -> None:
    error_body(host.call("POST", f"{base}/instances/nobody/restart"), 400)
