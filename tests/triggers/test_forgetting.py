"""`POST /api/forget` turns names into keys, once; `GET /api/forget/{id}` shows the receipt."""

import json
from datetime import timedelta
from typing import Any

import pytest

from murmuration.contracts.forgetting import Forgetting, Receipt, Sources
from murmuration.contracts.runs import Caller
from murmuration.contracts.steps import STEPS
from murmuration.policy.tenancy import run_id, session_key, tenant_key, user_key
from murmuration.services.clients import Clients
from murmuration.services.storage.artifacts import get_value
from simulation.records import EPOCH
from simulation.virtual_host import VERSION
from tests.triggers.api import Api, DurableRuns, Run

pytestmark = pytest.mark.anyio

TENANT = "default"
RUN = run_id(TENANT, "forget")
GOAL_RUN = run_id(TENANT, "a-goal")
KEY = {"Idempotency_Key": "forget"}


def receipt(*, verified: bool) -> dict[str, Any]:
    ended = EPOCH + timedelta(minutes=1)
    return Receipt(id=RUN, kind="user", key="k", verified=verified, started=EPOCH, finished=ended).model_dump(
        mode="json"
    )


@pytest.mark.parametrize(
    ("body", "kind", "key"),
    [
        ({"user": " ann "}, "user", user_key(TENANT, "ann")),
        ({"session": {"id": "s1", "user": "ann"}}, "session", session_key(TENANT, "ann", "s1")),
        ({"run": GOAL_RUN}, "run", GOAL_RUN),
        ({"everything": True, "confirm": TENANT}, "tenant", tenant_key(TENANT)),
    ],
)
async def test_a_forgetting_starts_with_keys_and_no_names(
    api: Api, durable: DurableRuns, body: Any, kind: str, key: str
) -> None:
    answer = await api("POST", "/api/forget", body, **KEY)

    assert (answer.status, answer.body["forgetUri"]) == (202, f"http://127.0.0.1:7071/api/forget/{RUN}")
    run = durable.runs[RUN]
    request = Forgetting.model_validate(run.input)
    assert (run.name, run.version, request.workflow_version) == ("forget", VERSION, VERSION)
    assert request.caller == Caller(tenant=TENANT)
    assert (request.subject.kind, request.subject.key) == (kind, key)
    assert request.verification.after_stop_seconds == max(step.timeout_seconds for step in STEPS)
    assert "ann" not in json.dumps(run.input)


async def test_names_of_documents_stand_in_an_artifact(api: Api, durable: DurableRuns, clients: Clients) -> None:
    body = {"documents": ["ann.md", "b.md", "ann.md"], "user": "ann"}

    await api("POST", "/api/forget", body, **KEY)

    subject = Forgetting.model_validate(durable.runs[RUN].input).subject
    assert subject.owner.user == user_key(TENANT, "ann")
    assert subject.sources is not None
    assert (await get_value(clients.store.of_run(RUN), subject.sources, Sources)).names == ("ann.md", "b.md")
    assert "ann.md" not in json.dumps(durable.runs[RUN].input)


async def test_a_request_repeated_after_the_end_leaves_no_names_behind(
    api: Api, durable: DurableRuns, clients: Clients
) -> None:
    body = {"documents": ["ann.md"]}
    await api("POST", "/api/forget", body, **KEY)
    durable.runs[RUN].runtime_status, durable.runs[RUN].output = "Completed", receipt(verified=True)
    subject = Forgetting.model_validate(durable.runs[RUN].input).subject
    assert subject.sources is not None
    await clients.store.delete([subject.sources.artifact])

    again = await api("POST", "/api/forget", body, **KEY)

    assert again.body["id"] == RUN
    assert await clients.store.names(subject.sources.artifact.rpartition("/")[0]) == []


async def test_a_request_may_wait_for_the_receipt(api: Api, durable: DurableRuns) -> None:
    def complete(run: Run) -> None:
        run.runtime_status, run.output = "Completed", receipt(verified=True)

    durable.on_start = complete

    answer = await api("POST", "/api/forget?wait=30", {"user": "ann"}, **KEY)

    assert (answer.status, answer.body["status"], answer.body["receipt"]["kind"]) == (200, "completed", "user")


@pytest.mark.parametrize(
    ("body", "field", "quoted"),
    [
        ({}, "(body)", "send one of user, session, documents, run and everything"),
        ({"user": "ann", "run": GOAL_RUN}, "user", "stands beside run"),
        ({"user": ""}, "user", "(got '')"),
        ({"session": "s1"}, "session", "(got 's1')"),
        ({"documents": []}, "documents", "(got [])"),
        ({"documents": ["a"] * 101}, "documents", "100"),
        ({"run": "../x"}, "run", "(got '../x')"),
        ({"everything": True}, "confirm", "repeat the tenant's name"),
        ({"everything": False, "confirm": TENANT}, "everything", "(got False)"),
        ({"everything": True, "confirm": "acme"}, "confirm", "is not the tenant's name (got 'acme')"),
        ({"user": "ann", "confirm": TENANT}, "confirm", "belongs to everything"),
        ({"user": "ann", "users": "bob"}, "users", "unknown field"),
        ({"run": RUN}, "run", "is a forgetting"),
    ],
)
async def test_a_bad_request_is_refused_with_its_field(
    api: Api, durable: DurableRuns, body: Any, field: str, quoted: str
) -> None:
    durable.runs[RUN] = Run("forget", {}, VERSION)

    answer = await api("POST", "/api/forget", body)

    assert (answer.status, answer.body["errors"][0]["field"]) == (400, field)
    assert quoted in answer.body["detail"]
    assert list(durable.runs) == [RUN]


async def test_another_tenants_run_is_not_found(api: Api, durable: DurableRuns) -> None:
    theirs = run_id("acme", "a-goal")
    durable.runs[theirs] = Run("achieve_goal", {}, VERSION)

    assert (await api("POST", "/api/forget", {"run": theirs})).status == 404


@pytest.mark.parametrize(("verified", "status"), [(True, "completed"), (False, "failed")])
async def test_a_receipt_is_shown(api: Api, durable: DurableRuns, verified: bool, status: str) -> None:
    run = durable.runs[RUN] = Run("forget", {}, VERSION)
    under_way = (await api("GET", f"/api/forget/{RUN}")).body
    run.runtime_status, run.output = "Completed", receipt(verified=verified)

    done = (await api("GET", f"/api/forget/{RUN}")).body

    assert (under_way["status"], under_way["receipt"]) == ("running", None)
    assert (done["status"], done["receipt"]) == (status, run.output)


async def test_a_goal_has_no_receipt(api: Api, durable: DurableRuns) -> None:
    durable.runs[GOAL_RUN] = Run("achieve_goal", {}, VERSION)

    assert (await api("GET", f"/api/forget/{GOAL_RUN}")).status == 404
