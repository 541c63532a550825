"""`POST /api/goals` starts a run once and refuses a bad goal with its field; `GET /api/goals/{id}` shows the run."""

import json
from typing import Any

import pytest

from murmuration.contracts.answers import Outcome, Problem
from murmuration.contracts.approvals import ApprovalGate, ApprovalRequest, ApprovalRules, GateStatus, Panel
from murmuration.contracts.content import Content
from murmuration.contracts.goals import Goal
from murmuration.contracts.runs import Caller
from murmuration.durable.versions import VERSIONS
from murmuration.policy.tenancy import run_id, session_key, tenant_key, user_key
from murmuration.services.clients import Clients
from simulation.records import EPOCH
from simulation.virtual_host import VERSION
from tests.triggers.api import Api, DurableRuns, Run

pytestmark = pytest.mark.anyio

TENANT = "default"
GOAL = {"goal": "How hot is the water for green tea?"}
PANEL = {"panels": [{"approvers": ["ann@example.com"]}]}
RUN = run_id(TENANT, "order-66")
KEY = {"Idempotency_Key": "order-66"}


async def test_a_goal_starts_a_run_with_all_that_it_was_posted_with(api: Api, durable: DurableRuns) -> None:
    body = {
        **GOAL,
        "metadata": {"order": 66},
        "user": "ann@example.com",
        "session_id": "s1",
        "scope": {"sources": ["tea/"], "since": "2026-01-01T00:00:00Z"},
        "options": {"concurrency": 2, "wait": 0, "rules": {"forbidden_words": ["coffee"]}},
    }

    answer = await api("POST", "/api/goals", body, **KEY)

    assert answer.status == 202
    assert answer.headers["Location"] == answer.body["goalUri"] == f"http://127.0.0.1:7071/api/goals/{RUN}"
    assert answer.body["statusQueryGetUri"].endswith(RUN)
    run = durable.runs[RUN]
    goal = Goal.model_validate(run.input)
    assert (run.name, run.version, goal.workflow_version) == ("achieve_goal", VERSION, VERSION)
    assert (goal.caller, goal.forked_from) == (Caller(tenant=TENANT), None)
    assert goal.owner.user == user_key(TENANT, "ann@example.com")
    assert goal.session == session_key(TENANT, "ann@example.com", "s1")
    assert (goal.text, goal.metadata) == (body["goal"], {"order": 66})
    assert goal.scope.sources == ("tea/",)
    assert (goal.options.concurrency, goal.options.rules.forbidden_words) == (2, ("coffee",))
    assert "wait" not in run.input["options"]
    assert "ann" not in json.dumps(run.input), "names are hashed before they are recorded"


async def test_a_run_is_started_as_the_version_of_its_workflow(
    api: Api, durable: DurableRuns, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(VERSIONS, "achieve_goal", "0.9")

    await api("POST", "/api/goals", GOAL, **KEY)

    assert (durable.runs[RUN].version, durable.runs[RUN].input["workflow_version"]) == ("0.9", "0.9")


async def test_a_run_is_recorded_so_that_it_can_be_forgotten(api: Api, clients: Clients) -> None:
    await api("POST", "/api/goals", {**GOAL, "user": "ann"}, **KEY)

    names = await clients.store.names(f"{tenant_key(TENANT)}/owners/{user_key(TENANT, 'ann')}")
    assert [name.rpartition("/")[2] for name in names] == [RUN]


@pytest.mark.parametrize(("query", "wait"), [("?wait=30", 0), ("", 30)])
async def test_a_request_may_wait_for_the_outcome(api: Api, durable: DurableRuns, query: str, wait: int) -> None:
    def complete(run: Run) -> None:
        outcome = Outcome(status="completed", answer="80 degrees")
        run.runtime_status, run.output = "Completed", outcome.model_dump(mode="json")

    durable.on_start = complete

    answer = await api("POST", f"/api/goals{query}", {**GOAL, "options": {"wait": wait}})

    assert (answer.status, answer.body["answer"]) == (200, "80 degrees")


async def test_a_run_that_broke_is_an_error_of_the_server(api: Api, durable: DurableRuns) -> None:
    def fail(run: Run) -> None:
        run.runtime_status, run.output = "Failed", "canary: the text of a bug"

    durable.on_start = fail

    answer = await api("POST", "/api/goals?wait=30", GOAL)

    assert (answer.status, answer.body["title"]) == (500, "The run broke")
    assert "canary" not in json.dumps(answer.body)


async def test_a_repeated_request_is_the_same_run_also_after_a_deployment(
    environment: pytest.MonkeyPatch, api: Api, durable: DurableRuns
) -> None:
    environment.setenv("MAX_ACTIVE_RUNS", "3")
    await api("POST", "/api/goals", GOAL, **KEY)
    durable.runs[RUN].input |= {"workflow_version": "0.9", "active_limit": 7}

    again = await api("POST", "/api/goals", GOAL, **KEY)
    other = await api("POST", "/api/goals", {"goal": "Another?"}, **KEY)

    assert (again.status, again.body["id"], list(durable.runs)) == (202, RUN, [RUN])
    assert (other.status, other.body["title"]) == (422, "Idempotency-Key reused")
    assert durable.runs[RUN].input["text"] == GOAL["goal"]


@pytest.mark.parametrize(
    ("body", "field", "quoted"),
    [
        ({}, "goal", "is missing"),
        ({"goal": 5}, "goal", "(got 5)"),
        ({**GOAL, "gaol": 1}, "gaol", "unknown field (got 1)"),
        ([], "(body)", "(got [])"),
        ({**GOAL, "metadata": {"a": float("nan")}}, "metadata", "not JSON compliant"),
        ({**GOAL, "options": {"concurrency": "5"}}, "options.concurrency", "(got '5')"),
        ({**GOAL, "options": {"budget": {"money": 1}}}, "options.budget.money", "unknown field"),
        ({**GOAL, "options": {"on_budget": "ask_person"}}, "options.on_budget", "needs options.approval"),
        ({**GOAL, "options": {"on_exhausted": "ask_person"}}, "options.on_exhausted", "(got 'ask_person')"),
        ({**GOAL, "options": {"approval": PANEL}, "user": "ann@example.com"}, "options.approval", "(got 'ann@"),
        ({**GOAL, "plan": [{"id": "t1", "type": "wizard", "instruction": "x"}]}, "plan", "wizard"),
        ({**GOAL, "plan": [{"id": "t1", "type": "executor", "instruction": "x", "tool": 1}]}, "plan.0.tool", "unknown"),
    ],
)
async def test_a_bad_goal_is_refused_with_its_field(
    api: Api, durable: DurableRuns, body: Any, field: str, quoted: str
) -> None:
    answer = await api("POST", "/api/goals", body)

    assert (answer.status, answer.body["errors"][0]["field"]) == (400, field)
    assert quoted in answer.body["detail"]
    assert not durable.runs


async def test_money_can_be_limited_only_where_prices_are_known(
    environment: pytest.MonkeyPatch, api: Api, durable: DurableRuns
) -> None:
    environment.setenv("MODEL_STANDARD", "gpt-unheard-of")
    with_limit = {**GOAL, "options": {"budget": {"usd": 1}}}

    unlimited, limited = await api("POST", "/api/goals", GOAL), await api("POST", "/api/goals", with_limit)

    assert unlimited.status == 202
    assert (limited.status, limited.body["errors"][0]["field"]) == (400, "options.budget.usd")
    assert "gpt-unheard-of" in limited.body["detail"]
    assert [run.input["prices"] for run in durable.runs.values()] == [None]


@pytest.mark.parametrize(
    ("body", "status", "quoted"),
    [
        (b"{not json", 400, "the body is not JSON: key must be a string"),
        (b"\xff\xfe", 400, "the body is not UTF-8: byte 0"),
        (b'{"goal": "\\ud800"}', 400, "the body is not JSON"),
        (b"[" * 100_000, 400, "it is nested too deeply"),
        (b"", 400, "the body is not JSON"),
        (b'{"goal": "' + b"x" * 1_100_000 + b'"}', 413, "at most 1048576 are taken"),
    ],
)
async def test_a_body_that_is_not_json_is_refused(api: Api, body: bytes, status: int, quoted: str) -> None:
    answer = await api("POST", "/api/goals", body)

    assert answer.status == status
    assert quoted in answer.body["detail"]


@pytest.mark.parametrize("wait", ["soon", "-1", "231", "9999", "0000001000", "1.5", "%C2%B2", ""])
async def test_a_wait_that_is_no_number_of_seconds_is_refused(api: Api, wait: str) -> None:
    answer = await api("POST", f"/api/goals?wait={wait}", GOAL)

    assert (answer.status, answer.body["errors"][0]["field"]) == (400, "wait")


@pytest.mark.parametrize("key", ["", "k" * 256, "tab\t", "é"])
async def test_an_idempotency_key_is_short_and_printable(api: Api, key: str) -> None:
    answer = await api("POST", "/api/goals", GOAL, Idempotency_Key=key)

    assert (answer.status, answer.body["errors"][0]["field"]) == (400, "Idempotency-Key")


async def test_another_media_type_is_refused(api: Api) -> None:
    answer = await api("POST", "/api/goals", GOAL, Content_Type="text/plain; charset=utf-8")

    assert (answer.status, answer.body["detail"]) == (415, "Content-Type is 'text/plain': send application/json")


async def test_too_many_requests_are_told_when_to_try_again(
    environment: pytest.MonkeyPatch, api: Api, durable: DurableRuns
) -> None:
    environment.setenv("RATE_LIMIT_PER_MINUTE", "1")
    environment.setenv("RATE_LIMIT_BURST", "1")

    answers = [await api("POST", "/api/goals", GOAL) for _ in range(2)]

    assert [answer.status for answer in answers] == [202, 429]
    assert 1 <= int(answers[1].headers["Retry-After"]) <= 60
    assert f"try again in {answers[1].headers['Retry-After']} s" in answers[1].body["detail"]
    assert [(name, operation) for name, operation, _ in durable.signals] == [("token_bucket", "take")]


async def test_nothing_of_the_text_of_a_bug_is_answered(api: Api, durable: DurableRuns) -> None:
    def crash(_: Run) -> None:
        raise RuntimeError("canary: content")

    durable.on_start = crash

    answer = await api("POST", "/api/goals", GOAL)

    assert answer.status == 500
    assert answer.body == {
        "type": "about:blank", "title": "Internal error", "status": 500, "detail": "the request could not be handled",
    }  # fmt: skip


def working(**custom_status: Any) -> Run:
    return Run("achieve_goal", {}, VERSION, custom_status=custom_status)


async def test_a_run_under_way_shows_its_progress(api: Api, durable: DurableRuns) -> None:
    tasks = [{"id": "t1", "state": "running"}]
    durable.runs[RUN] = working(stage="working", tasks=tasks, model_calls=3, tokens=400)

    answer = await api("GET", f"/api/goals/{RUN}")

    assert (answer.status, answer.body["status"], answer.body["stage"]) == (200, "running", "working")
    assert answer.body["tasks"] == tasks
    assert answer.body["usage"] == {"model_calls": 3, "tokens": 400}
    assert (answer.body["outcome"], answer.body["error"], answer.body["gates"]) == (None, None, [])


async def test_a_run_that_ended_shows_its_whole_answer(api: Api, durable: DurableRuns, clients: Clients) -> None:
    reference = await clients.store.of_run(RUN).put(b"a long answer")
    outcome = Outcome(
        status="failed", answer_artifact=reference.artifact, error=Problem(code="task_failed", message="no")
    )
    durable.runs[RUN] = Run("achieve_goal", {}, VERSION, "Completed", outcome.model_dump(mode="json"))

    body = (await api("GET", f"/api/goals/{RUN}")).body

    assert (body["status"], body["stage"]) == ("failed", "ended")
    assert (body["outcome"]["answer"], body["outcome"]["error"]["code"]) == ("a long answer", "task_failed")


@pytest.mark.parametrize(("ended", "code"), [("Failed", "run_failed"), ("Terminated", "run_terminated")])
async def test_a_run_that_broke_says_so_without_its_text(api: Api, durable: DurableRuns, ended: str, code: str) -> None:
    durable.runs[RUN] = Run("achieve_goal", {}, VERSION, ended, "canary: the text of a bug")

    body = (await api("GET", f"/api/goals/{RUN}")).body

    assert (body["status"], body["stage"], body["outcome"]) == (ended.lower(), "ended", None)
    assert body["error"] == {"code": code, "message": "see the logs of this run"}
    assert "canary" not in json.dumps(body)


async def test_a_run_shows_its_gates_without_their_links(api: Api, durable: DurableRuns) -> None:
    rules = ApprovalRules(panels=(Panel(approvers=("ann@example.com",)),))
    request = ApprovalRequest(title="Plan", content=Content(text="Do it?"), requester="bob", rules=rules)
    gate = ApprovalGate(caller=Caller(tenant=TENANT), run=RUN, id=f"{RUN}-gate-1", request=request)
    status = GateStatus(expires=EPOCH, approvers=("ann@example.com",), waits=(1,))
    durable.runs[RUN] = working(stage="approving")
    durable.runs[gate.id] = Run(
        "approval_gate", gate.model_dump(mode="json"), VERSION, custom_status=status.model_dump(mode="json")
    )

    [shown] = (await api("GET", f"/api/goals/{RUN}")).body["gates"]

    assert shown == {
        "id": gate.id, "title": "Plan", "state": "open", "expires": "2026-01-01T00:00:00Z",
        "approvers": ["ann@example.com"], "quorum": 1, "by": [], "at": None, "votes": [],
    }  # fmt: skip


@pytest.mark.parametrize("run", ["nobody", run_id("acme", "order-66"), run_id(TENANT, "a-reading"), "x" * 1_000])
async def test_a_run_that_is_not_the_tenants_goal_is_not_found(api: Api, durable: DurableRuns, run: str) -> None:
    durable.runs[run_id("acme", "order-66")] = working()
    durable.runs[run_id(TENANT, "a-reading")] = Run("read_documents", {}, VERSION)

    answer = await api("GET", f"/api/goals/{run}")

    assert (answer.status, answer.body["title"]) == (404, "Not found")
