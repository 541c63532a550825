"""An unmodified app on the host: what Azure would do, over HTTP, through the real SDK and its client."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from loopback.functions.host import Options, make_app
from loopback.serving import in_thread

APP = Path(__file__).parent / "apps" / "basic"
BASE = "/runtime/webhooks/durabletask"


class Host:
    """Calls a host over HTTP."""

    def __init__(self, url: str) -> None:
        self.url = url

    def call(self, method: str, path: str, body: Any = None, kind: str = "application/json") -> tuple[int, Any, Any]:
        """(status, headers, body as JSON if it is JSON)."""
        text = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        request = Request(self.url + path, data=text, method=method, headers={"Content-Type": kind})  # noqa: S310
        try:
            with urlopen(request, timeout=60) as answer:  # noqa: S310 - loopback
                return answer.status, answer.headers, _parsed(answer.read())
        except HTTPError as error:
            with error:
                return error.code, error.headers, _parsed(error.read())

    def start(self, name: str, given: Any, run: str = "") -> str:
        status, _, links = self.call("POST", f"/api/start/{name}" + (f"?id={run}" if run else ""), given)
        assert status == 202
        return str(links["id"])

    def ended(self, run: str, seconds: float = 20) -> dict[str, Any]:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            status, _, body = self.call("GET", f"{BASE}/instances/{run}")
            if status == 200:
                found: dict[str, Any] = body
                return found
            time.sleep(0.02)
        raise AssertionError(f"{run} has not ended: {body}")

    def output(self, name: str, given: Any) -> Any:
        return self.ended(self.start(name, given))["output"]


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    data = tmp_path_factory.mktemp("host")
    with in_thread(lambda: make_app(APP, Options(data))) as url:
        yield Host(url)


def test_activities_run_side_by_side(host: Host) -> None:
    for activity in ("nap", "blocking_nap"):
        given = {"activity": activity, "count": 20, "value": 0.2}
        began = time.monotonic()
        assert host.output("fan_out", given) == [0.2] * 20
        assert time.monotonic() - began < 2, "twenty naps of 0.2 s one after the other take 4 s"


def test_a_chain_passes_results_on(host: Host) -> None:
    assert host.output("chain", {"count": 10}) == 21


def test_the_clients_own_wait_returns_the_output(host: Host) -> None:
    assert host.call("POST", "/api/start_and_wait/chain", {"count": 2})[::2] == (200, 5)


def test_retries_stop_at_their_number(host: Host, tmp_path: Path) -> None:
    assert host.output("retried", {"path": str(tmp_path / "a"), "times": 2, "attempts": 3}) == "after 2"

    run = host.ended(host.start("retried", {"path": str(tmp_path / "b"), "times": 5, "attempts": 3}))
    assert run["runtimeStatus"] == "Failed"
    assert "Activity function 'fail_until' failed:  ValueError: try 2" in run["output"]
    assert len((tmp_path / "b").read_text(encoding="utf-8").splitlines()) == 3


def test_a_failed_activity_can_be_caught(host: Host, tmp_path: Path) -> None:
    assert "ValueError: try 0" in host.output("caught", {"path": str(tmp_path / "a"), "times": 9})


def test_a_sub_orchestration_fails_as_its_parents_exception(host: Host) -> None:
    assert "broken on purpose" in host.output("parent_of_broken", {})
    assert host.call("GET", f"{BASE}/instances/given-child")[2]["runtimeStatus"] == "Failed"


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("breaks_down", "Orchestrator function 'breaks_down' failed: broken on purpose"),
        ("calls_nobody", "The function 'nobody' doesn't exist"),
        ("returns_nonsense", "not JSON serializable"),
    ],
)
def test_a_broken_orchestrator_fails_with_its_reason(host: Host, name: str, problem: str) -> None:
    run = host.ended(host.start(name, {}))

    assert run["runtimeStatus"] == "Failed"
    assert problem in run["output"]


def test_an_event_decides_against_a_timer(host: Host) -> None:
    run = host.start("asks", {"seconds": 600})
    while host.call("GET", f"{BASE}/instances/{run}")[2]["customStatus"] != {"waiting": True}:
        time.sleep(0.01)
    assert host.call("POST", f"{BASE}/instances/{run}/raiseEvent/answer", {"ok": True})[0] == 202
    # The host takes names without regard to case, the SDK does not: as on Azure, this answer is lost.
    assert host.call("POST", f"{BASE}/instances/{run}/raiseEvent/Answer", {"ok": True})[0] == 202
    assert host.ended(run)["output"] == {"ok": True}
    assert host.call("POST", f"{BASE}/instances/{run}/raiseEvent/Answer", {})[0] == 410


def test_a_timer_decides_when_nobody_answers(host: Host) -> None:
    assert host.output("asks", {"seconds": 0.2}) == "too late"


def test_an_early_event_is_kept_for_its_wait(host: Host) -> None:
    run = host.start("asks_twice", {})
    assert host.call("POST", f"/api/signal/{run}/Second", 2)[0] == 202
    assert host.call("POST", f"/api/signal/{run}/First", 1)[0] == 202
    # The client of the SDK encodes twice: the orchestrator gets texts.
    assert host.ended(run)["output"] == ["1", "2"]


def test_continue_as_new_starts_over_under_the_same_id(host: Host) -> None:
    assert host.output("counts_down", {"left": 5}) == 0


def test_an_instance_runs_as_long_as_a_timer_is_open(host: Host) -> None:
    began = time.monotonic()
    assert host.output("leaves_a_timer", {"seconds": 0.6}) == "returned"
    assert time.monotonic() - began >= 0.6


def test_a_rolling_window_needs_the_nudge(host: Host) -> None:
    """The real host replays one action at a time; so does this one."""
    given = {"strands": 12, "window": 4, "nap": 0.1}
    seconds = {}
    for nudge in (True, False):
        began = time.monotonic()
        assert host.output("window", {**given, "nudge": nudge}) == 12
        seconds[nudge] = time.monotonic() - began
    assert seconds[False] > 1.6 * seconds[True]


def test_a_run_can_be_terminated_and_purged(host: Host) -> None:
    run = host.start("asks", {"seconds": 600})
    assert host.call("POST", f"{BASE}/instances/{run}/terminate?reason=enough")[0] == 202
    ended = host.ended(run)
    assert (ended["runtimeStatus"], ended["output"]) == ("Terminated", "enough")
    assert host.call("DELETE", f"{BASE}/instances/{run}")[::2] == (200, {"instancesDeleted": 1})
    assert host.call("GET", f"{BASE}/instances/{run}")[::2] == (404, b"")


def test_starting_a_running_id_is_a_conflict(host: Host) -> None:
    host.start("asks", {"seconds": 600}, "busy")

    assert host.call("POST", f"{BASE}/orchestrators/asks/busy", {"seconds": 1})[0] == 409


def test_history_is_shown_as_people_read_it(host: Host) -> None:
    run = host.start("chain", {"count": 1})
    host.ended(run)

    _, _, body = host.call("GET", f"{BASE}/instances/{run}?showHistory=true&showHistoryOutput=true")
    assert [each["EventType"] for each in body["historyEvents"]] == [
        "ExecutionStarted",
        "TaskCompleted",
        "ExecutionCompleted",
    ]
    assert body["historyEvents"][1]["FunctionName"] == "double"
    assert body["historyEvents"][1]["Result"] == 2
    assert host.call("GET", f"/api/status/{run}")[2]["runtimeStatus"] == "Completed"


def test_runs_are_listed_in_pages(host: Host) -> None:
    for number in range(5):
        host.ended(host.start("chain", {"count": 0}, f"page-{number}"))
    found: list[str] = []
    token = None
    for _ in range(9):
        request = Request(f"{host.url}{BASE}/instances?instanceIdPrefix=page-&top=2")  # noqa: S310
        if token:
            request.add_header("x-ms-continuation-token", token)
        with urlopen(request, timeout=10) as answer:  # noqa: S310
            found += [load["instanceId"] for load in json.loads(answer.read())]
            token = answer.headers.get("x-ms-continuation-token")
        if not token:
            break
    assert sorted(found) == [f"page-{number}" for number in range(5)]


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
def test_bad_requests_are_answered_as_azure_answers(host: Host, method: str, path: str, body: Any, status: int) -> None:
    assert host.call(method, path, body)[0] == status


def test_http_functions(host: Host) -> None:
    assert host.call("POST", "/api/Echo/word/3?q=1", b"body")[::2] == (200, b"word x3 1 body")
    assert host.call("GET", "/api/files/a/b/c.txt")[2] == b"a/b/c.txt"
    assert host.call("GET", "/api/files")[2] == b""
    assert host.call("GET", "/api/nothing")[0] == 204
    status, _, body = host.call("GET", "/api/breaks")
    assert (status, body) == (500, b""), "what went wrong is in the log, not in the answer"
