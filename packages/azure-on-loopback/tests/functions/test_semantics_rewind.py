"""Rewind and restart."""

from pathlib import Path
from typing import Any

import pytest

from loopback.functions.testing import DurableHost
from tests.functions.semantics import EXECUTION_STARTED, TASK_FAILED, events, lines, run


def start_failing(host: DurableHost, folder: Path, *names: str | list[str], **more: Any) -> str:
    """Start a run of `steps` that fails, because a step succeeds only once its file exists; return its id."""
    value = {"steps": names, "folder": str(folder), "log": str(folder / "log"), **more}
    ended = run(host, "steps", value)
    assert ended["runtimeStatus"] == "Failed"
    return str(ended["instanceId"])


def rewind(host: DurableHost, instance: str) -> dict[str, Any]:
    assert host.control(instance, "rewind", "mended") == 202
    return host.wait(instance)


def mend(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).touch()


def test_failed_steps_run_again_and_successful_ones_do_not(host: DurableHost, tmp_path: Path) -> None:
    mend(tmp_path, "a")
    failed = start_failing(host, tmp_path, "a", "b", "c")
    mend(tmp_path, "b", "c")

    ended = rewind(host, failed)

    assert (ended["runtimeStatus"], ended["output"]) == ("Completed", ["a", "b", "c"])
    assert lines(tmp_path / "log") == ["a", "b", "b", "c"]
    assert events(host, failed, TASK_FAILED) == []


def test_a_run_that_fails_again_can_be_rewound_again(host: DurableHost, tmp_path: Path) -> None:
    failed = start_failing(host, tmp_path, "a", "b")
    assert rewind(host, failed)["runtimeStatus"] == "Failed"
    mend(tmp_path, "a")
    assert rewind(host, failed)["runtimeStatus"] == "Failed"
    mend(tmp_path, "b")

    assert rewind(host, failed)["output"] == ["a", "b"]
    assert lines(tmp_path / "log") == ["a", "a", "a", "b", "b"]


def test_a_failed_sub_orchestration_is_rewound_with_its_parent(host: DurableHost, tmp_path: Path) -> None:
    mend(tmp_path, "a")
    failed = start_failing(host, tmp_path, "a", "b", sub=True)
    mend(tmp_path, "b")

    ended = rewind(host, failed)

    assert ended["output"] == ["a", "b"]
    assert lines(tmp_path / "log") == ["a", "b", "b"]
    children = [event["InstanceId"] for event in events(host, failed, 7)]
    assert [host.status(child)["runtimeStatus"] for child in children] == ["Completed", "Completed"]


@pytest.mark.parametrize("attempts", [1, 2, 3])
def test_exhausted_retries_begin_anew(host: DurableHost, tmp_path: Path, attempts: int) -> None:
    mend(tmp_path, "a")
    failed = start_failing(host, tmp_path, "a", "b", attempts=attempts)
    mend(tmp_path, "b")

    assert rewind(host, failed)["output"] == ["a", "b"]
    assert lines(tmp_path / "log") == ["a", *["b"] * (attempts + 1)]


def test_a_retry_that_succeeded_after_a_failure_does_no_harm(host: DurableHost, tmp_path: Path) -> None:
    # The first step fails once and is retried; the run fails later.
    counted = {"path": str(tmp_path / "counted"), "fails": 1}
    retried = {"kind": "retried", "name": "counted", "input": counted, "attempts": 2}
    late = {"name": "b", "log": str(tmp_path / "log"), "path": str(tmp_path / "b")}
    tasks = [retried, {"kind": "activity", "name": "needs_file", "input": late}]
    failed = run(host, "in_order", {"tasks": tasks})
    assert failed["runtimeStatus"] == "Failed"
    mend(tmp_path, "b")

    ended = rewind(host, failed["instanceId"])

    assert ended["runtimeStatus"] == "Completed"
    assert ended["output"][1] == "b"


@pytest.mark.parametrize("sub", [False, True])
def test_a_caught_failure_is_done_again_too(host: DurableHost, tmp_path: Path, sub: bool) -> None:
    mend(tmp_path, "b")
    failed = start_failing(host, tmp_path, ["a"], "b", "c", sub=sub)
    mend(tmp_path, "a", "c")

    ended = rewind(host, failed)

    assert (ended["runtimeStatus"], ended["output"]) == ("Completed", ["a", "b", "c"])


def test_a_failure_in_a_fan_out_keeps_the_other_results(host: DurableHost, tmp_path: Path) -> None:
    def task(name: str) -> dict[str, Any]:
        value = {"name": name, "log": str(tmp_path / "log"), "path": str(tmp_path / name)}
        return {"kind": "activity", "name": "needs_file", "input": value}

    mend(tmp_path, "a", "c")
    failed = run(host, "all_of_or_fail", {"tasks": [task(name) for name in "abcd"]})
    assert failed["runtimeStatus"] == "Failed"
    mend(tmp_path, "b", "d")

    assert rewind(host, failed["instanceId"])["output"] == ["a", "b", "c", "d"]
    assert sorted(lines(tmp_path / "log")) == ["a", "b", "b", "c", "d", "d"]


def test_a_rewound_child_reports_to_its_parent_only_if_the_parent_is_rewound(host: DurableHost, tmp_path: Path) -> None:
    failed = start_failing(host, tmp_path, "a", sub=True)
    (created,) = events(host, failed, 7)
    mend(tmp_path, "a")

    assert rewind(host, created["InstanceId"])["output"] == "a"
    assert host.status(failed)["runtimeStatus"] == "Failed"

    assert rewind(host, failed)["output"] == ["a"]
    assert lines(tmp_path / "log") == ["a", "a"]


def test_events_timers_and_calls_before_the_failure_are_kept(host: DurableHost, tmp_path: Path) -> None:
    late = {"name": "b", "log": str(tmp_path / "log"), "path": str(tmp_path / "b")}
    tasks = [
        {"kind": "event", "name": "E"},
        {"kind": "timer", "seconds": 0.01},
        {"kind": "call", "entity": ["box", "rewind"], "op": "put", "input": 1},
        {"kind": "activity", "name": "needs_file", "input": late},
    ]
    instance = host.start("in_order", {"tasks": tasks})
    host.raise_event(instance, "E", "e")
    assert host.wait(instance)["runtimeStatus"] == "Failed"
    mend(tmp_path, "b")

    assert rewind(host, instance)["output"] == ["e", None, 1, "b"]
    assert host.entity("box", "rewind") == [1]


# Restart


def restart(host: DurableHost, instance: str, query: str = "") -> str:
    answer = host.call("POST", f"/runtime/webhooks/durabletask/instances/{instance}/restart{query}")
    assert answer.status == 202
    return str(answer.json["id"])


@pytest.mark.parametrize("query", ["", "?restartWithNewInstanceId=true", "?restartWithNewInstanceId=True"])
def test_a_restart_is_a_new_run_with_the_old_input(host: DurableHost, query: str) -> None:
    first = run(host, "gets", {"a": 1})

    second = restart(host, first["instanceId"], query)

    assert second != first["instanceId"]
    assert host.wait(second)["output"] == {"a": 1}
    assert (host.status(second)["name"], host.status(first["instanceId"])["output"]) == ("gets", {"a": 1})


@pytest.mark.parametrize("name", ["gets", "raises"])
def test_a_restart_can_keep_the_id(host: DurableHost, name: str) -> None:
    first = run(host, name, {"a": 1})["instanceId"]
    before = events(host, first, EXECUTION_STARTED)

    assert restart(host, first, "?restartWithNewInstanceId=false") == first

    assert host.wait(first)["input"] == {"a": 1}
    (after,) = events(host, first, EXECUTION_STARTED)
    assert after["OrchestrationInstance"]["ExecutionId"] != before[0]["OrchestrationInstance"]["ExecutionId"]


def test_a_restart_of_a_clients_run_keeps_the_inputs_encoding(host: DurableHost) -> None:
    arguments = {"orchestration_function_name": "gets_kind", "client_input": [1, 2], "instance_id": "encoded"}
    host.call("POST", "/api/client/start_new", arguments)
    host.wait("encoded")

    assert host.wait(restart(host, "encoded"))["output"] == ["list", [1, 2]]


def test_an_id_that_has_ended_can_be_started_again(host: DurableHost) -> None:
    run(host, "gets", {"a": 1}, "again")

    ended = run(host, "gets_kind", {"b": 2}, "again")

    assert (ended["name"], ended["output"]) == ("gets_kind", ["dict", {"b": 2}])
    assert len(events(host, "again", EXECUTION_STARTED)) == 1
