"""The rate limit and the queue of runs, over HTTP, through stopped runs and killed hosts."""

import json
import math
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
"""Seconds that the planner takes for a goal with the word "slowly": longer than a test."""
Interval = tuple[str, str]
"""Begin of a run's first step and end of its last, by its history."""


@pytest.fixture(scope="module")
def one_slot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    secret = "a secret of these tests, 32 characters"  # noqa: S105
    with running(tmp_path_factory.mktemp("one"), MAX_ACTIVE_RUNS="1", APPROVAL_SECRET=secret) as servers:
        yield servers


@pytest.fixture
def single(one_slot: Servers) -> Servers:
    """Return servers with a free slot, whose planner is slow when it reads "slowly"."""
    one_slot.call("DELETE", "model", "/control/script")
    calls = [{"delay": SLOW, "repeat": True, "match": "slowly"}]
    one_slot.call("POST", "model", "/control/script", {"agent": "planner", "calls": calls})
    assert slots(one_slot).get("active", []) == []
    return one_slot


def start(servers: Servers, goal: str = QUESTION, **options: Any) -> dict[str, Any]:
    """Start a goal and return the links of its run."""
    links: dict[str, Any] = servers.call("POST", "host", "/api/goals", {"goal": goal, "options": options})
    return links


def wait_until(servers: Servers, run: str, field: str, value: str) -> dict[str, Any]:
    """Wait until a field of the run's state has this value, and return the state."""
    state: dict[str, Any] = {}
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        state = servers.call("GET", "host", f"/api/goals/{run}")
        if state[field] == value:
            return state
        time.sleep(0.05)
    raise AssertionError(f"{field} is not {value!r}: {state}")


def slots(servers: Servers) -> dict[str, Any]:
    """Return the state of the tenant's semaphore; empty before its first run."""
    path = f"/runtime/webhooks/durabletask/entities/active_runs/{tenant_key('default')}"
    try:
        state: dict[str, Any] = servers.call("GET", "host", path)
    except HTTPError as error:
        error.close()
        return {}
    return state


def terminate(servers: Servers, run: dict[str, Any]) -> None:
    """Terminate a run by its own link."""
    parts = urlsplit(run["terminatePostUri"].replace("{text}", "test"))
    servers.call("POST", "host", f"{parts.path}?{parts.query}")


def working_time(servers: Servers, run: str) -> Interval:
    """Return the interval of a run's steps, without those of admission itself."""
    history = servers.call("GET", "host", f"/admin/instances/{run}/history")["events"]
    steps = {
        event["EventId"]: event
        for event in history
        if event["EventType"] == 4 and event["Name"] != "check_slot_holders"
    }
    ends = [event["Timestamp"] for event in history if event["EventType"] == 5 and event["TaskScheduledId"] in steps]
    return min(step["Timestamp"] for step in steps.values()), max(ends)


def max_concurrency(intervals: list[Interval]) -> int:
    """Return the largest number of intervals that overlap."""
    return max(sum(begin <= start < end for begin, end in intervals) for start, _ in intervals)


def test_thirty_goals_run_three_at_once_in_their_order(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with running(tmp_path_factory.mktemp("three"), MAX_ACTIVE_RUNS="3") as servers:
        servers.call("DELETE", "model", "/control/script")
        runs = [start(servers, f"{QUESTION} ({number})")["id"] for number in range(30)]
        outcomes = [wait_until(servers, run, "status", "completed")["outcome"] for run in runs]
        intervals = [working_time(servers, run) for run in runs]
        after = slots(servers)

    assert all("80 degrees" in outcome["answer"] for outcome in outcomes)
    assert max_concurrency(intervals) == 3
    order = sorted(range(30), key=lambda number: intervals[number])
    assert max(abs(position - number) for position, number in enumerate(order)) <= 5, order
    assert (after["active"], after["waiting"]) == ([], [])


def test_a_queued_run_says_so_and_its_wait_costs_no_budget(single: Servers) -> None:
    began = time.monotonic()
    wait_until(single, start(single)["id"], "status", "completed")
    budget = max(3, math.ceil(10 * (time.monotonic() - began)))  # ample for a run, however slow the machine
    single.call("DELETE", "model", "/control/script")
    single.call("POST", "model", "/control/script", {"agent": "planner", "calls": [{"delay": budget + 1}]})
    first = start(single)
    wait_until(single, first["id"], "stage", "planning")

    second = start(single, budget={"seconds": budget})

    waiting = wait_until(single, second["id"], "stage", "queued")
    assert (waiting["status"], waiting["tasks"]) == ("running", [])
    wait_until(single, first["id"], "status", "completed")
    assert wait_until(single, second["id"], "status", "completed")["stage"] == "ended"


@pytest.mark.parametrize("purged", [False, True])
def test_stopped_runs_free_their_slot_and_leave_the_queue(single: Servers, purged: bool) -> None:
    working = start(single, "slowly, how hot is tea?")
    wait_until(single, working["id"], "stage", "planning")
    queued, last = start(single), start(single)
    wait_until(single, queued["id"], "stage", "queued")
    wait_until(single, last["id"], "stage", "queued")

    for run in (queued, working):
        terminate(single, run)
        if purged:
            wait_until(single, run["id"], "status", "terminated")
            single.call("DELETE", "host", f"/runtime/webhooks/durabletask/instances/{run['id']}")

    wait_until(single, last["id"], "status", "completed")
    assert slots(single)["active"] == []


def test_a_run_that_waits_for_people_gives_its_slot_to_another(single: Servers) -> None:
    asking = start(single, approval={"panels": [{"approvers": [ANN]}]})
    wait_until(single, asking["id"], "stage", "approving")

    wait_until(single, start(single)["id"], "status", "completed")

    listed = single.call("GET", "host", f"/api/runs/{asking['id']}/gates?approver={ANN}")
    single.call("POST", "host", urlsplit(listed["gates"][0]["link"]).path, {"decision": "approve"})
    wait_until(single, asking["id"], "status", "completed")
    assert slots(single)["active"] == []


def test_the_queue_survives_kills_of_the_host(single: Servers) -> None:
    single.call("DELETE", "model", "/control/script")
    single.call("POST", "model", "/control/script", {"agent": "*", "calls": [{"delay": 0.1, "repeat": True}]})
    runs = [start(single)["id"] for _ in range(5)]
    for pause in (0.0, 0.3, 0.6, 1.1):
        time.sleep(pause)
        single.kill_host()
        single.start_host()

    for run in runs:
        wait_until(single, run, "status", "completed")
    assert max_concurrency([working_time(single, run) for run in runs]) == 1
    assert (slots(single)["active"], slots(single)["waiting"]) == ([], [])


def test_a_repeated_request_starts_nothing_even_under_another_limit(single: Servers) -> None:
    key = {"Idempotency_Key": "the same"}
    first = single.call("POST", "host", "/api/goals", {"goal": QUESTION}, **key)
    wait_until(single, first["id"], "status", "completed")
    single.kill_host()
    single.start_host(MAX_ACTIVE_RUNS="2")

    repeated = single.call("POST", "host", "/api/goals", {"goal": QUESTION}, **key)

    single.kill_host()
    single.start_host(MAX_ACTIVE_RUNS="1")
    assert repeated["id"] == first["id"]


def test_requests_beyond_the_rate_get_429_and_pass_after_the_retry_time(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("rate")
    with running(
        folder, RATE_LIMIT_PER_MINUTE="20", RATE_LIMIT_BURST="6"
    ) as servers:  # reading the documents took the first of six
        with ThreadPoolExecutor(20) as pool:
            began = time.monotonic()
            answers = list(pool.map(lambda _: refusal(servers, "/api/goals", {"goal": QUESTION}), range(40)))
            seconds = time.monotonic() - began
        reading = {"documents": [{"source": "a.md", "content": "Tea."}]}
        last = next(filter(None, (refusal(servers, "/api/documents", reading) for _ in range(20))))
        time.sleep(float(last.headers["Retry-After"]))
        assert refusal(servers, "/api/goals", {"goal": QUESTION}) is None

    refused = [answer for answer in answers if answer is not None]
    refilled = 2 + seconds / 3  # a token every 3 s, up to two of them while the documents were read
    assert 5 <= len(answers) - len(refused) <= 5 + refilled
    for error in (*refused, last):
        problem = json.loads(error.read())
        assert error.headers["Content-Type"] == "application/problem+json"
        assert problem["status"] == error.code == 429
        assert 1 <= int(error.headers["Retry-After"]) <= 3
        assert problem["detail"].endswith(f"try again in {error.headers['Retry-After']} s")


def refusal(servers: Servers, path: str, body: dict[str, Any]) -> HTTPError | None:
    """Post a request and return its error, None when it was accepted."""
    try:
        servers.call("POST", "host", path, body)
    except HTTPError as error:
        return error
    return None
