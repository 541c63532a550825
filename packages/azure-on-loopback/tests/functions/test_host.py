"""An unmodified app on the host behaves as on Azure: over HTTP, through the real SDK and its client."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from loopback.functions.testing import DurableHost, run_host

APP = Path(__file__).parent / "apps" / "basic"
BASE = "/runtime/webhooks/durabletask"


def start(host: DurableHost, name: str, value: Any, run: str = "") -> str:
    """Start a run through the app's own function, which uses the SDK's client."""
    answer = host.call("POST", f"/api/start/{name}" + (f"?id={run}" if run else ""), value)
    assert answer.status == 202
    return str(answer.json["id"])


def output(host: DurableHost, name: str, value: Any) -> Any:
    return host.wait(start(host, name, value))["output"]


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DurableHost]:
    with run_host(APP, tmp_path_factory.mktemp("host")) as running:
        yield running


def test_activities_run_side_by_side(host: DurableHost) -> None:
    for activity in ("nap", "blocking_nap"):
        value = {"activity": activity, "count": 20, "value": 0.2}
        began = time.monotonic()
        assert output(host, "fan_out", value) == [0.2] * 20
        assert time.monotonic() - began < 2, "twenty naps of 0.2 s one after the other take 4 s"


def test_a_chain_passes_results_on(host: DurableHost) -> None:
    assert output(host, "chain", {"count": 10}) == 21


def test_the_wait_of_the_client_returns_the_output(host: DurableHost) -> None:
    assert host.call("POST", "/api/start_and_wait/chain", {"count": 2}).json == 5


def test_retries_stop_at_their_limit(host: DurableHost, tmp_path: Path) -> None:
    assert output(host, "retried", {"path": str(tmp_path / "a"), "times": 2, "attempts": 3}) == "after 2"

    run = host.wait(start(host, "retried", {"path": str(tmp_path / "b"), "times": 5, "attempts": 3}))
    assert run["runtimeStatus"] == "Failed"
    assert "Activity function 'fail_until' failed:  ValueError: try 2" in run["output"]
    assert len((tmp_path / "b").read_text(encoding="utf-8").splitlines()) == 3


def test_a_failed_activity_can_be_caught(host: DurableHost, tmp_path: Path) -> None:
    assert "ValueError: try 0" in output(host, "caught", {"path": str(tmp_path / "a"), "times": 9})


def test_a_sub_orchestration_fails_as_its_parents_exception(host: DurableHost) -> None:
    assert "broken on purpose" in output(host, "parent_of_broken", {})
    assert host.call("GET", f"{BASE}/instances/child-id").json["runtimeStatus"] == "Failed"


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("breaks_down", "Orchestrator function 'breaks_down' failed: broken on purpose"),
        ("calls_nobody", "The function 'nobody' doesn't exist"),
        ("returns_nonsense", "not JSON serializable"),
    ],
)
def test_a_broken_orchestrator_fails_with_its_reason(host: DurableHost, name: str, problem: str) -> None:
    run = host.wait(start(host, name, {}))

    assert run["runtimeStatus"] == "Failed"
    assert problem in run["output"]


def test_an_event_wins_against_a_timer(host: DurableHost) -> None:
    run = start(host, "asks", {"seconds": 600})
    while host.call("GET", f"{BASE}/instances/{run}").json["customStatus"] != {"waiting": True}:
        time.sleep(0.01)
    assert host.call("POST", f"{BASE}/instances/{run}/raiseEvent/answer", {"ok": True}).status == 202
    # The host takes names without regard to case, the SDK does not: as on Azure, this answer is lost.
    assert host.call("POST", f"{BASE}/instances/{run}/raiseEvent/Answer", {"ok": True}).status == 202
    assert host.wait(run)["output"] == {"ok": True}
    assert host.call("POST", f"{BASE}/instances/{run}/raiseEvent/Answer", {}).status == 410


def test_a_timer_wins_when_no_event_arrives(host: DurableHost) -> None:
    assert output(host, "asks", {"seconds": 0.2}) == "too late"


def test_an_early_event_is_buffered_for_its_wait(host: DurableHost) -> None:
    run = start(host, "asks_twice", {})
    assert host.call("POST", f"/api/signal/{run}/Second", 2).status == 202
    assert host.call("POST", f"/api/signal/{run}/First", 1).status == 202
    # The SDK's client encodes twice, so the orchestrator gets strings.
    assert host.wait(run)["output"] == ["1", "2"]


def test_continue_as_new_starts_over_under_the_same_id(host: DurableHost) -> None:
    assert output(host, "counts_down", {"left": 5}) == 0


def test_an_instance_runs_as_long_as_a_timer_is_open(host: DurableHost) -> None:
    began = time.monotonic()
    assert output(host, "leaves_a_timer", {"seconds": 0.6}) == "returned"
    assert time.monotonic() - began >= 0.6


def test_a_rolling_window_needs_the_nudge(host: DurableHost) -> None:
    # The real host takes one action at a time, and so does this one.
    value = {"jobs": 12, "window": 4, "nap": 0.1}
    seconds = {}
    for nudge in (True, False):
        began = time.monotonic()
        assert output(host, "window", {**value, "nudge": nudge}) == 12
        seconds[nudge] = time.monotonic() - began
    assert seconds[False] > 1.6 * seconds[True]


def test_a_run_can_be_terminated_and_purged(host: DurableHost) -> None:
    run = start(host, "asks", {"seconds": 600})
    assert host.call("POST", f"{BASE}/instances/{run}/terminate?reason=enough").status == 202
    ended = host.wait(run)
    assert (ended["runtimeStatus"], ended["output"]) == ("Terminated", "enough")
    assert host.call("DELETE", f"{BASE}/instances/{run}").json == {"instancesDeleted": 1}
    assert host.call("GET", f"{BASE}/instances/{run}").status == 404


def test_starting_a_running_id_is_a_conflict(host: DurableHost) -> None:
    start(host, "asks", {"seconds": 600}, "busy")

    assert host.call("POST", f"{BASE}/orchestrators/asks/busy", {"seconds": 1}).status == 409


def test_the_history_is_shown_in_its_form_for_people(host: DurableHost) -> None:
    run = start(host, "chain", {"count": 1})
    host.wait(run)

    rows = host.status(run)["historyEvents"]
    assert [row["EventType"] for row in rows] == ["ExecutionStarted", "TaskCompleted", "ExecutionCompleted"]
    assert (rows[1]["FunctionName"], rows[1]["Result"]) == ("double", 2)
    assert host.call("GET", f"/api/status/{run}").json["runtimeStatus"] == "Completed"


def test_runs_are_listed_in_pages(host: DurableHost) -> None:
    for number in range(5):
        host.wait(start(host, "chain", {"count": 0}, f"page-{number}"))
    names: list[str] = []
    headers: dict[str, str] = {}
    for _ in range(9):
        answer = host.call("GET", f"{BASE}/instances?instanceIdPrefix=page-&top=2", **headers)
        names += [row["instanceId"] for row in answer.json]
        if not (token := answer.headers.get("x-ms-continuation-token")):
            break
        headers = {"x_ms_continuation_token": token}
    assert sorted(names) == [f"page-{number}" for number in range(5)]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", f"{BASE}/orchestrators/nobody", {}, 400),
        ("POST", f"{BASE}/orchestrators/chain", b"{not json", 400),
        ("POST", f"{BASE}/orchestrators/chain/@odd", {}, 400),
        ("POST", f"{BASE}/orchestrators/chain/{'x' * 101}", {}, 400),
        ("GET", f"{BASE}/instances/nobody", None, 404),
        ("POST", f"{BASE}/instances/nobody/raiseEvent/x", {}, 404),
        ("POST", f"{BASE}/instances/nobody/rewind", None, 404),
        ("DELETE", f"{BASE}/instances/nobody", None, 404),
        ("DELETE", f"{BASE}/instances", None, 400),
        ("GET", "/api/nowhere", None, 404),
        ("DELETE", "/api/nothing", None, 404),
        ("GET", "/api/echo/a/notanumber", None, 404),
    ],
)
def test_bad_requests_are_answered_as_azure_answers(
    host: DurableHost, method: str, path: str, body: Any, status: int
) -> None:
    assert host.call(method, path, body).status == status


def test_http_functions(host: DurableHost) -> None:
    assert host.call("POST", "/api/Echo/word/3?q=1", b"body").content == b"word x3 1 body"
    assert host.call("GET", "/api/files/a/b/c.txt").content == b"a/b/c.txt"
    assert host.call("GET", "/api/files").content == b""
    assert host.call("GET", "/api/nothing").status == 204
    answer = host.call("GET", "/api/breaks")
    assert (answer.status, answer.content) == (500, b""), "the error is in the log, not in the answer"
