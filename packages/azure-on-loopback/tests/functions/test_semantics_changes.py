"""An app that changes while runs are open: versions, other code, other settings."""

import json
from pathlib import Path
from typing import Any

import pytest

from loopback.functions.testing import DurableHost, run_host
from tests.functions.polling import eventually
from tests.functions.semantics import BASE, EXECUTION_STARTED, SEMANTICS, copied, events, output


def settings(**durable: str) -> str:
    return json.dumps({"version": "2.0", "extensions": {"durableTask": durable}})


def start(host: DurableHost, version: str | None) -> str:
    query = "" if version is None else f"?version={version}"
    answer = host.call("POST", f"{BASE}/orchestrators/about_itself{query}")
    assert answer.status == 202
    return str(answer.json["id"])


@pytest.mark.parametrize(
    ("default", "requested", "expected"), [("1.5", None, "1.5"), ("1.5", "1.0", "1.0"), (None, None, None)]
)
def test_a_run_has_the_requested_version_or_the_apps(
    tmp_path: Path, default: str | None, requested: str | None, expected: str | None
) -> None:
    app = copied(tmp_path, host_json=settings(**({"defaultVersion": default} if default else {})))
    with run_host(app, tmp_path / "data") as host:
        instance = start(host, requested)
        assert host.wait(instance)["output"]["version"] == expected
        (started,) = events(host, instance, EXECUTION_STARTED)
        assert started["Version"] == expected


def test_a_sub_orchestration_has_the_apps_version_or_its_own(tmp_path: Path) -> None:
    app = copied(tmp_path, host_json=settings(defaultVersion="2.0"))
    with run_host(app, tmp_path / "data") as host:
        sub = {"kind": "sub", "name": "about_itself"}
        results = output(host, "in_order", {"tasks": [sub, sub | {"version": "1.0"}]})

    assert [result["version"] for result in results] == ["2.0", "1.0"]


MATCHES = [
    ("None", "1.0", "9.0", True),
    ("Strict", "1.0", "1.0", True),
    ("Strict", "1.0", "0.9", False),
    ("Strict", "1.0", "1.1", False),
    ("CurrentOrOlder", "2.0", "1.9", True),
    ("CurrentOrOlder", "2.0", "2.0", True),
    ("CurrentOrOlder", "2.0", "2.1", False),
    ("CurrentOrOlder", "1.10", "1.9", True),
    ("CurrentOrOlder", "1.9", "1.10", False),
]


@pytest.mark.parametrize(("strategy", "own", "requested", "taken"), MATCHES)
def test_a_run_of_another_version_fails_with_the_setting_fail(
    tmp_path: Path, strategy: str, own: str, requested: str, taken: bool
) -> None:
    more = {"versionMatchStrategy": strategy, "versionFailureStrategy": "Fail"}
    app = copied(tmp_path, host_json=settings(defaultVersion=own, **more))
    with run_host(app, tmp_path / "data") as host:
        ended = host.wait(start(host, requested))

    assert ended["runtimeStatus"] == ("Completed" if taken else "Failed")


def test_versions_that_are_no_numbers_are_compared_as_text(tmp_path: Path) -> None:
    app = copied(tmp_path, host_json=settings(defaultVersion="1.0-rc", versionFailureStrategy="Fail"))
    with run_host(app, tmp_path / "data") as host:
        assert host.wait(start(host, "1.0"))["runtimeStatus"] == "Completed"
        assert host.wait(start(host, "2.0"))["runtimeStatus"] == "Failed"


def test_a_run_of_another_version_waits_for_an_app_of_its_version(tmp_path: Path) -> None:
    strict = {"versionMatchStrategy": "Strict", "versionFailureStrategy": "Reject"}
    app = copied(tmp_path, host_json=settings(defaultVersion="1.0", **strict))
    with run_host(app, tmp_path / "data") as host:
        waiting = start(host, "2.0")
        assert host.wait(start(host, "1.0"))["runtimeStatus"] == "Completed"
        assert host.status(waiting)["runtimeStatus"] == "Pending"
    app = copied(tmp_path, host_json=settings(defaultVersion="2.0", **strict))
    with run_host(app, tmp_path / "data") as host:
        assert host.wait(waiting)["output"]["version"] == "2.0"


# Changed code

FIRST = '    yield context.call_activity("echo", 1)\n    yield context.wait_for_external_event("Go")\n    # end'
WAIT = '    yield context.wait_for_external_event("Go")\n    # end'


def changed(folder: Path, code: str) -> dict[str, Any]:
    """Begin a run with the app's code and let it go on with `code`."""
    with run_host(SEMANTICS, folder / "data") as host:
        instance = host.start("changing")
        eventually(lambda: len(events(host, instance, 5)) == 1)
    with run_host(copied(folder, code=(FIRST, code)), folder / "data") as host:
        host.raise_event(instance, "Go")
        return host.wait(instance)


@pytest.mark.parametrize(
    ("code", "made"),
    [
        ('    yield context.call_activity("fail", 1)\n', "fail"),
        ('    yield context.call_sub_orchestrator("echo")\n', "sub-orchestration"),
        ("    yield context.create_timer(context.current_utc_datetime + timedelta(days=1))\n", "timer"),
        ('    context.signal_entity(df.EntityId("box", "k"), "get")\n', "entity"),
        ('    yield context.call_http("GET", "http://127.0.0.1:9/")\n', "BuiltIn::HttpActivity"),
        ('    yield context.call_activity_with_retry("fail", df.RetryOptions(1, 3), 1)\n', "fail"),
    ],
    ids=["name", "sub", "timer", "entity", "http", "retry"],
)
def test_another_first_step_is_non_determinism(tmp_path: Path, code: str, made: str) -> None:
    ended = changed(tmp_path, code + WAIT)

    assert ended["runtimeStatus"] == "Failed"
    text = ended["output"].partition("Orchestrator function 'changing' failed: ")[2]
    assert text.startswith("Non-Deterministic workflow detected")
    assert "activity echo" in text, "the decision in the history"
    assert made in text, "the decision of the code"


def test_a_removed_step_is_non_determinism(tmp_path: Path) -> None:
    ended = changed(tmp_path, WAIT)

    assert ended["runtimeStatus"] == "Failed"
    assert "Non-Deterministic" in ended["output"]
    assert "activity echo" in ended["output"]


def test_an_added_step_before_the_others_is_non_determinism(tmp_path: Path) -> None:
    ended = changed(tmp_path, '    yield context.call_activity("fail", 0)\n' + FIRST)

    assert "Non-Deterministic" in ended["output"]


@pytest.mark.parametrize(
    "code",
    [
        FIRST.replace("# end", 'yield context.call_activity("echo", 2)'),
        FIRST.replace('"echo", 1', '"echo", "another input"'),
        FIRST.replace("    # end", '    context.set_custom_status("new")'),
    ],
    ids=["a later step", "another input", "a custom status"],
)
def test_later_steps_inputs_and_statuses_may_change(tmp_path: Path, code: str) -> None:
    assert changed(tmp_path, code)["output"] == "as it was"


def test_an_orchestrator_that_was_removed_fails_its_runs(tmp_path: Path) -> None:
    with run_host(SEMANTICS, tmp_path / "data") as host:
        instance = host.start("changing")
        eventually(lambda: len(events(host, instance, 5)) == 1)
    app = copied(tmp_path, code=("def changing(", "def renamed("))
    with run_host(app, tmp_path / "data") as host:
        host.raise_event(instance, "Go")
        ended = host.wait(instance)

    assert ended["runtimeStatus"] == "Failed"
    assert "The function 'changing' doesn't exist" in ended["output"]
