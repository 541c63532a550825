"""Events, control, rewind and restart through the SDK's own client."""

import json
from pathlib import Path
from typing import Any

import pytest

from loopback.functions.testing import DurableHost
from tests.functions.client_calls import LINKS, problem, result, start, waiting
from tests.functions.semantics import run


@pytest.mark.parametrize("value", [{"ok": True}, [1], 5, "text", True])
def test_an_event_of_the_client_arrives_as_a_string_of_json(host: DurableHost, value: Any) -> None:
    # The client encodes the value twice.
    instance = waiting(host)
    result(host, "raise_event", instance_id=instance, event_name="Go", event_data=value)

    assert json.loads(host.wait(instance)["output"]) == value


def test_an_event_needs_no_data(host: DurableHost) -> None:
    instance = waiting(host)
    result(host, "raise_event", instance_id=instance, event_name="Go", task_hub_name="T", connection_name="C")

    assert host.wait(instance)["output"] == "null"


@pytest.mark.parametrize(
    ("name", "instance", "text"),
    [("Go", "nobody", "No instance with ID nobody found."), ("", "nobody", "non-empty"), ("Go", None, "is gone")],
)
def test_an_event_that_no_run_can_take_is_an_error(
    host: DurableHost, name: str, instance: str | None, text: str
) -> None:
    instance = instance or str(run(host, "gets")["instanceId"])

    assert text in problem(host, "raise_event", instance_id=instance, event_name=name)


def test_suspend_resume_and_terminate(host: DurableHost) -> None:
    instance = waiting(host)
    for method, status in (("suspend", "Suspended"), ("resume", "Running")):
        assert result(host, method, instance_id=instance, reason="a reason & more") is None
        host.wait(instance, until=status)
    assert result(host, "terminate", instance_id=instance, reason="a reason & more") is None

    assert result(host, "get_status", instance_id=instance)["output"] == "a reason & more"


@pytest.mark.parametrize("method", ["terminate", "suspend", "resume"])
def test_control_of_an_unknown_run_is_an_error_and_of_an_ended_one_is_none(host: DurableHost, method: str) -> None:
    assert "No instance with ID 'nobody' found." in problem(host, method, instance_id="nobody", reason="r")
    assert result(host, method, instance_id=run(host, "gets")["instanceId"], reason="r") is None


@pytest.mark.parametrize("method", ["suspend", "resume"])
def test_a_command_that_would_change_nothing_is_an_error(host: DurableHost, method: str) -> None:
    instance = waiting(host)
    if method == "suspend":
        host.control(instance, "suspend")
        host.wait(instance, until="Suspended")

    assert "500" in problem(host, method, instance_id=instance, reason="r")


def test_rewind_runs_a_failed_run_again(host: DurableHost, tmp_path: Path) -> None:
    value = {"path": str(tmp_path / "log"), "fails": 1}
    instance = run(host, "calls", {"name": "counted", "input": value})["instanceId"]

    assert result(host, "rewind", instance_id=instance, reason="why not", task_hub_name="T") is None

    assert host.wait(instance)["output"] == "attempt 2"


@pytest.mark.parametrize(
    ("instance", "text"), [("nobody", "No instance with ID nobody found."), (None, "only supported on failed")]
)
def test_rewind_is_for_failed_runs(host: DurableHost, instance: str | None, text: str) -> None:
    instance = instance or str(run(host, "gets")["instanceId"])

    assert text in problem(host, "rewind", instance_id=instance, reason="r")


@pytest.mark.parametrize("new", [True, False])
def test_restart_returns_the_links_of_the_new_run(host: DurableHost, new: bool) -> None:
    instance = start(host, "gets_kind", [1])
    host.wait(instance)
    links = result(host, "restart", instance_id=instance, restart_with_new_instance_id=new)

    assert links.keys() == LINKS
    assert (links["id"] != instance) == new
    assert host.wait(links["id"])["output"] == ["list", [1]]


def test_restart_of_an_unknown_run_is_an_error(host: DurableHost) -> None:
    assert "400" in problem(host, "restart", instance_id="nobody")
