"""The door's rate limit and the queue, over HTTP and on the real host, whatever becomes of runs and host."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit

import pytest

from murmuration.policy.tenancy import tenant_key
from tests.end_to_end.test_kill import Servers, running

ANN = "ann@example.com"
QUESTION = "How hot is the water for green tea?"
SLOW = 60.0
"""Seconds that the planner takes for a goal with this word in it: longer than a test."""
Interval = tuple[str, str]
"""When a run began its first step and ended its last, by its history."""


@pytest.fixture(scope="module")
def one_place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    secret = "a secret of these tests, 32 characters"  # noqa: S105
    with running(tmp_path_factory.mktemp("one"), MAX_ACTIVE_RUNS="1", APPROVAL_SECRET=secret) as servers:
        yield servers


@pytest.fixture
def single(one_place: Servers) -> Servers:
    """Nobody is under way, and a planner that reads "slowly" is."""
    one_place.call("DELETE", "model", "/control/script")
    calls = [{"delay": SLOW, "repeat": True, "match": "slowly"}]
    one_place.call("POST", "model", "/control/script", {"agent": "planner", "calls": calls})
    assert places(one_place).get("active", []) == []
    return one_place


def post(servers: Servers, goal: str = QUESTION, **options: Any) -> dict[str, Any]:
    started: dict[str, Any] = servers.call("POST", "host", "/api/goals", {"goal": goal, "options": options})
    return started


def shown(servers: Servers, run: str) -> dict[str, Any]:
    found: dict[str, Any] = servers.call("GET", "host", f"/api/goals/{run}")
    return found


def until(servers: Servers, run: str, field: str, value: str) -> dict[str, Any]:
    for _ in range(900):
        if (found := shown(servers, run))[field] == value:
            return found
        time.sleep(0.05)
    raise AssertionError(f"{field} is not {value!r}: {found}")


def places(servers: Servers) -> dict[str, Any]:
    path = f"/runtime/webhooks/durabletask/entities/active_runs/{tenant_key('default')}"
    try:
        found: dict[str, Any] = servers.call("GET", "host", path)
    except HTTPError as error:
        error.close()
        return {}
    return found


def control(servers: Servers, run: dict[str, Any], url: str) -> None:
    parts = urlsplit(run[url].replace("{text}", "test"))
    servers.call("POST", "host", f"{parts.path}?{parts.query}")


def worked(servers: Servers, run: str) -> Interval:
    """Knocking is admission's own step, and no work."""
    history = servers.call("GET", "host", f"/admin/instances/{run}/history")["events"]
    steps = {
        event["EventId"]: event
        for event in history
        if event["EventType"] == 4 and event["Name"] != "check_slot_holders"
    }
    ends = [event["Timestamp"] for event in history if event["EventType"] == 5 and event["TaskScheduledId"] in steps]
    return min(step["Timestamp"] for step in steps.values()), max(ends)


def most_at_once(intervals: list[Interval]) -> int:
    return max(sum(begin <= at < end for begin, end in intervals) for at, _ in intervals)


def test_of_thirty_goals_three_are_worked_on_at_once_in_the_order_they_came(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with running(tmp_path_factory.mktemp("three"), MAX_ACTIVE_RUNS="3") as servers:
        servers.call("DELETE", "model", "/control/script")
        runs = [post(servers, f"{QUESTION} ({number})")["id"] for number in range(30)]
        outcomes = [until(servers, run, "status", "completed")["outcome"] for run in runs]
        intervals = [worked(servers, run) for run in runs]
        left = places(servers)

    assert all("80 degrees" in outcome["answer"] for outcome in outcomes)
    assert most_at_once(intervals) == 3
    order = sorted(range(30), key=lambda number: intervals[number])
    assert max(abs(place - number) for place, number in enumerate(order)) <= 5, order
    assert (left["active"], left["waiting"]) == ([], [])


def test_a_run_that_waits_says_so_and_its_waiting_is_nobodys_budget(single: Servers) -> None:
    single.call("DELETE", "model", "/control/script")
    single.call("POST", "model", "/control/script", {"agent": "planner", "calls": [{"delay": 4.0}]})
    first = post(single)
    until(single, first["id"], "stage", "planning")

    second = post(single, budget={"seconds": 3})

    waiting = until(single, second["id"], "stage", "queued")
    assert (waiting["status"], waiting["tasks"]) == ("running", [])
    until(single, first["id"], "status", "completed")
    assert until(single, second["id"], "status", "completed")["stage"] == "ended"


@pytest.mark.parametrize("how", ["terminated", "terminated and purged"])
def test_a_run_that_was_stopped_frees_its_place(single: Servers, how: str) -> None:
    stopped = post(single, "slowly, how hot is tea?")
    until(single, stopped["id"], "stage", "planning")
    next_one = post(single)
    until(single, next_one["id"], "stage", "queued")

    control(single, stopped, "terminatePostUri")
    if how == "terminated and purged":
        until(single, stopped["id"], "status", "terminated")
        single.call("DELETE", "host", f"/runtime/webhooks/durabletask/instances/{stopped['id']}")

    until(single, next_one["id"], "status", "completed")


def test_a_run_that_was_stopped_in_the_queue_holds_up_nobody(single: Servers) -> None:
    single.call("DELETE", "model", "/control/script")
    single.call("POST", "model", "/control/script", {"agent": "planner", "calls": [{"delay": 2.0}]})
    runs = [post(single) for _ in range(3)]
    until(single, runs[2]["id"], "stage", "queued")

    control(single, runs[1], "terminatePostUri")

    until(single, runs[2]["id"], "status", "completed")
    assert places(single)["active"] == []


def test_while_people_think_another_run_has_the_place(single: Servers) -> None:
    asks = post(single, approval={"panels": [{"approvers": [ANN]}]})
    until(single, asks["id"], "stage", "approving")

    until(single, post(single)["id"], "status", "completed")

    listed = single.call("GET", "host", f"/api/runs/{asks['id']}/gates?approver={ANN}")
    single.call("POST", "host", urlsplit(listed["gates"][0]["link"]).path, {"decision": "approve"})
    until(single, asks["id"], "status", "completed")
    assert places(single)["active"] == []


def test_a_queue_outlives_the_host(single: Servers) -> None:
    single.call("DELETE", "model", "/control/script")
    single.call("POST", "model", "/control/script", {"agent": "*", "calls": [{"delay": 0.1, "repeat": True}]})
    runs = [post(single)["id"] for _ in range(5)]
    for pause in (0.0, 0.3, 0.6, 1.1):
        time.sleep(pause)
        single.kill_host()
        single.start_host()

    for run in runs:
        until(single, run, "status", "completed")
    assert most_at_once([worked(single, run) for run in runs]) == 1
    assert (places(single)["active"], places(single)["waiting"]) == ([], [])


def test_a_request_that_is_repeated_under_another_limit_is_the_same_request(single: Servers) -> None:
    key = {"Idempotency_Key": "the same"}
    first = single.call("POST", "host", "/api/goals", {"goal": QUESTION}, **key)
    until(single, first["id"], "status", "completed")
    single.kill_host()
    single.start_host(MAX_ACTIVE_RUNS="2")

    again = single.call("POST", "host", "/api/goals", {"goal": QUESTION}, **key)

    single.kill_host()
    single.start_host(MAX_ACTIVE_RUNS="1")
    assert again["id"] == first["id"]


def test_requests_beyond_the_rate_are_answered_429_and_pass_when_told_to_come_back(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("rate")
    with running(folder, RATE_LIMIT_PER_MINUTE="20", RATE_LIMIT_BURST="6") as servers:  # reading was the first of six
        with ThreadPoolExecutor(20) as pool:
            began = time.monotonic()
            answers = list(pool.map(lambda _: refusal(servers, "/api/goals", {"goal": QUESTION}), range(40)))
            took = time.monotonic() - began
        reading = {"documents": [{"source": "a.md", "content": "Tea."}]}
        last = next(filter(None, (refusal(servers, "/api/documents", reading) for _ in range(20))))
        time.sleep(float(last.headers["Retry-After"]))
        assert refusal(servers, "/api/goals", {"goal": QUESTION}) is None

    refused = [answer for answer in answers if answer is not None]
    came_since = 2 + took / 3  # a token each 3 s; up to two while the first documents were read
    assert 5 <= len(answers) - len(refused) <= 5 + came_since
    for each in (*refused, last):
        problem = json.loads(each.read())
        assert each.headers["Content-Type"] == "application/problem+json"
        assert problem["status"] == each.code == 429
        assert 1 <= int(each.headers["Retry-After"]) <= 3
        assert problem["detail"].endswith(f"try again in {each.headers['Retry-After']} s")


def refusal(servers: Servers, path: str, body: dict[str, Any]) -> HTTPError | None:
    try:
        servers.call("POST", "host", path, body)
    except HTTPError as error:
        return error
    return None
