"""Every method of the SDK's own client, used by a function of the app."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from loopback.functions.testing import Answer, DurableHost
from tests.functions.client_calls import LINKS, problem, result, start, waiting
from tests.functions.polling import eventually
from tests.functions.semantics import run

# start_new


@pytest.mark.parametrize("value", [{"a": 1}, [1, "b"], 5, 0, 1.5, "text", "", "5", True, False, "ü€𝄞"])
def test_an_input_arrives_and_is_shown_as_a_string(host: DurableHost, value: Any) -> None:
    ended = host.wait(start(host, "gets_kind", value))

    assert ended["output"] == [type(value).__name__, value]
    assert isinstance(ended["input"], str)


def test_no_input_is_none(host: DurableHost) -> None:
    ended = host.wait(start(host, "gets_kind"))

    assert (ended["output"], ended["input"]) == (["NoneType", None], None)


@pytest.mark.parametrize("value", [[1], 5, True, "text"])
def test_a_raw_start_without_an_object_fails_in_get_input(host: DurableHost, value: Any) -> None:
    ended = run(host, "gets", value)

    assert (ended["runtimeStatus"], ended["input"]) == ("Failed", value)


@pytest.mark.parametrize("value", [{"a": 1}, '{"a": 1}', "[1]", "5"])
def test_a_raw_start_with_an_object_or_a_string_of_json_is_read(host: DurableHost, value: Any) -> None:
    assert run(host, "gets_kind", value)["runtimeStatus"] == "Completed"


def test_a_run_is_started_under_its_id_and_version(host: DurableHost) -> None:
    assert start(host, "about_itself", instance_id="client-id", version="1.2") == "client-id"

    assert host.wait("client-id")["output"] == {"id": "client-id", "parent": None, "version": "1.2"}


def test_an_unknown_orchestrator_is_named(host: DurableHost) -> None:
    assert "The function 'nobody' doesn't exist" in problem(host, "start_new", orchestration_function_name="nobody")


def test_an_id_that_runs_is_an_error(host: DurableHost) -> None:
    text = problem(host, "start_new", orchestration_function_name="gets", instance_id=waiting(host))

    assert "already exists" in text


# get_status


@pytest.mark.parametrize("history", [False, True])
@pytest.mark.parametrize("outputs", [False, True])
@pytest.mark.parametrize("inputs", [False, True])
def test_a_status_shows_what_the_flags_ask_for(host: DurableHost, history: bool, outputs: bool, inputs: bool) -> None:
    instance = start(host, "gets_kind", {"a": 1})
    host.wait(instance)
    flags = {"show_history": history, "show_history_output": outputs, "show_input": inputs}
    status = result(host, "get_status", instance_id=instance, **flags)

    assert (status["instanceId"], status["name"], status["runtimeStatus"]) == (instance, "gets_kind", "Completed")
    assert status["output"] == ["dict", {"a": 1}]
    assert status["input"] == '{"a": 1}', "the SDK never asks the host to leave it out"
    assert (status["historyEvents"] is not None) == history
    if history:
        assert any("Result" in row for row in status["historyEvents"]) == outputs


@pytest.mark.parametrize(
    ("name", "runtime_status", "text"),
    [("raises", "Failed", "on purpose"), ("waits", "Running", None), ("gets", "Completed", None)],
)
def test_a_status_is_one_of_the_sdks(host: DurableHost, name: str, runtime_status: str, text: str | None) -> None:
    instance = host.start(name)
    host.wait(instance, until="Running")
    status = result(host, "get_status", instance_id=instance)

    assert status["runtimeStatus"] == runtime_status
    assert text is None or text in status["output"]
    assert status["createdTime"] <= status["lastUpdatedTime"]


def test_a_custom_status_is_returned(host: DurableHost) -> None:
    assert result(host, "get_status", instance_id=waiting(host))["customStatus"] == "waiting"


def test_the_status_of_an_unknown_run_is_false(host: DurableHost) -> None:
    assert result(host, "get_status", instance_id="nobody") is None


def test_all_statuses(host: DurableHost) -> None:
    instance = waiting(host)
    statuses = {status["instanceId"]: status["runtimeStatus"] for status in result(host, "get_status_all")}

    assert statuses[instance] == "Running"


@pytest.fixture(scope="module")
def dated(host: DurableHost) -> dict[str, datetime]:
    """Start four runs an hour apart; return the second in which each was created."""
    created = {}
    for name, orchestrator in (("d-a", "gets"), ("d-b", "raises"), ("d-c", "waits"), ("x-d", "gets")):
        host.advance(timedelta(hours=1))
        host.start(orchestrator, None, name)
        status = host.wait(name, until="Running") if orchestrator == "waits" else host.wait(name)
        created[name] = datetime.fromisoformat(status["createdTime"])
    return created


@pytest.mark.parametrize(
    ("after", "before", "statuses", "prefix", "expected"),
    [
        (None, None, None, "d-", "d-a d-b d-c"),
        ("d-b", None, None, None, "d-b d-c x-d"),
        ("d-b", "d-c", None, None, "d-b"),
        ("d-a", None, ["Completed"], None, "d-a x-d"),
        ("d-a", None, ["Completed", "Failed"], "d-", "d-a d-b"),
        ("d-a", None, ["Running"], None, "d-c"),
        ("d-a", None, ["Suspended", "Pending", "ContinuedAsNew", "Canceled", "Terminated"], None, ""),
        (None, None, None, "nobody", ""),
    ],
)
def test_statuses_by_filter(
    host: DurableHost,
    dated: dict[str, datetime],
    after: str | None,
    before: str | None,
    statuses: list[str] | None,
    prefix: str | None,
    expected: str,
) -> None:
    condition = {"runtime_status": statuses, "instance_id_prefix": prefix}
    condition |= {"created_time_from": dated[after].isoformat()} if after else {}
    condition |= {"created_time_to": dated[before].isoformat()} if before else {}

    matching = result(host, "get_status_by", **condition)
    assert sorted(status["instanceId"] for status in matching) == expected.split()


# Purge


def test_purge_of_one(host: DurableHost) -> None:
    instance = run(host, "gets")["instanceId"]

    assert result(host, "purge_instance_history", instance_id=instance) == {"deleted": 1}
    assert result(host, "purge_instance_history", instance_id=instance) == {"deleted": 0}
    assert result(host, "get_status", instance_id=instance) is None


def test_purge_by_filter(host: DurableHost) -> None:
    host.advance(timedelta(days=1))
    created = run(host, "gets")["createdTime"]
    run(host, "raises")
    alive = waiting(host)
    later = f"{datetime.fromisoformat(created) + timedelta(hours=1)}"
    condition = {"created_time_from": created, "created_time_to": later}

    assert result(host, "purge_instance_history_by", **condition, runtime_status=["Failed"]) == {"deleted": 1}
    assert result(host, "purge_instance_history_by", **condition, runtime_status=["Terminated"]) == {"deleted": 0}
    assert result(host, "purge_instance_history_by", **condition) == {"deleted": 1}
    assert result(host, "get_status", instance_id=alive)["runtimeStatus"] == "Running"
    assert "required" in problem(host, "purge_instance_history_by")


def test_purge_from_the_first_year(host: DurableHost) -> None:
    condition = {"created_time_from": "0001-01-01", "created_time_to": "0001-01-02"}

    assert result(host, "purge_instance_history_by", **condition) == {"deleted": 0}


# Entities


@pytest.mark.parametrize("value", [{"a": 1}, [1], 5, "text", True])
def test_an_entity_is_signalled_and_read(host: DurableHost, value: Any) -> None:
    entity = ["Box", f"client of {type(value).__name__}"]
    assert result(host, "read_entity_state", entity=entity) == {"exists": False, "state": None}

    assert result(host, "signal_entity", entity=entity, operation_name="put", operation_input=value) is None

    eventually(lambda: result(host, "read_entity_state", entity=entity)["exists"])
    assert result(host, "read_entity_state", entity=entity, task_hub_name="T", connection_name="C")["state"] == [value]


def test_an_unknown_entity_is_an_error(host: DurableHost) -> None:
    assert "400" in problem(host, "signal_entity", entity=["nobody", "k"], operation_name="put")
    assert "400" in problem(host, "read_entity_state", entity=["nobody", "k"])


# Answers


def respond(host: DurableHost, method: str, **arguments: Any) -> Answer:
    """Let the function return the response that a method of the client makes."""
    return host.call("POST", f"/api/client/{method}", {"with_request": True, **arguments})


@pytest.mark.parametrize("instance", ["nobody", "own-id"])
def test_a_check_status_response_has_the_links(host: DurableHost, instance: str) -> None:
    answer = respond(host, "create_check_status_response", instance_id=instance)

    assert (answer.status, answer.json.keys()) == (202, LINKS)
    assert (answer.headers["Location"], answer.headers["Retry-After"]) == (answer.json["statusQueryGetUri"], "10")
    assert f"{host.url}/runtime/webhooks/durabletask/instances/{instance}?" in answer.headers["Location"]


@pytest.mark.parametrize("method", ["create_http_management_payload", "get_client_response_links"])
def test_links_of_any_id(host: DurableHost, method: str) -> None:
    more = {"request": None} if method == "get_client_response_links" else {}
    links = result(host, method, instance_id="some-id", **more)

    assert links.keys() == LINKS
    assert links["id"] == "some-id"
    assert all("/instances/some-id" in url for name, url in links.items() if name != "id")
    assert all(url.startswith(host.url) for name, url in links.items() if name != "id")


@pytest.mark.parametrize(
    ("name", "value", "status", "body"), [("gets", {"a": 1}, 200, {"a": 1}), ("raises", None, 500, "Failed")]
)
def test_waiting_for_the_end_gives_the_output_or_the_failure(
    host: DurableHost, name: str, value: Any, status: int, body: Any
) -> None:
    times = {"timeout_in_milliseconds": 5000, "retry_interval_in_milliseconds": 10}
    instance = host.start(name, value)
    answer = respond(host, "wait_for_completion_or_create_check_status_response", instance_id=instance, **times)

    assert answer.status == status
    assert answer.json == body if status == 200 else answer.json["runtimeStatus"] == body


def test_waiting_for_a_terminated_run_gives_its_status(host: DurableHost) -> None:
    instance = waiting(host)
    host.control(instance, "terminate", "over")
    answer = respond(host, "wait_for_completion_or_create_check_status_response", instance_id=instance)

    assert (answer.status, answer.json["runtimeStatus"], answer.json["output"]) == (200, "Terminated", "over")


@pytest.mark.parametrize("instance", ["nobody", ""])
def test_waiting_in_vain_gives_the_links(host: DurableHost, instance: str) -> None:
    times = {"timeout_in_milliseconds": 30, "retry_interval_in_milliseconds": 10}
    arguments = {"instance_id": instance or waiting(host), **times}
    answer = respond(host, "wait_for_completion_or_create_check_status_response", **arguments)

    assert (answer.status, answer.json.keys()) == (202, LINKS)
