"""`GET /api/memories` lists what holds now, or held at another time, for everybody and one user."""

from datetime import UTC, datetime

import pytest

from murmuration.contracts.content import Content
from murmuration.contracts.memories import Lesson, RememberRequest
from murmuration.contracts.owner import Owner
from murmuration.contracts.steps import REMEMBER_RESULT, StepCall
from murmuration.policy.tenancy import run_id, user_key
from murmuration.services.clients import Clients
from murmuration.steps.runner import run_step
from tests.services_on_loopback import Servers
from tests.triggers.api import Api

pytestmark = pytest.mark.anyio

TENANT = "default"
NOW = datetime.now(UTC)


async def remember(user: str, text: str, at: datetime = NOW) -> None:
    request = RememberRequest(
        owner=Owner(tenant=TENANT, user=user_key(TENANT, user)),
        run=run_id(TENANT, text),
        at=at,
        goal=f"goal: {text}",
        answer=Content(text=text),
        lessons=(Lesson(kind="fact", about=f"kettle of {user}", text=text),),
    )
    call = StepCall(run=request.run, attempt=1, value=request.model_dump(mode="json"))
    assert (await run_step(REMEMBER_RESULT, call.model_dump(mode="json")))["outcome"] == "done"


async def facts(api: Api, query: str) -> list[str]:
    answer = await api("GET", f"/api/memories{query}")
    assert answer.status == 200
    return [memory["text"] for memory in answer.body["memories"] if memory["kind"] == "fact"]


async def test_memories_are_listed_for_their_owner_as_they_hold_and_as_they_held(api: Api, clients: Clients) -> None:
    await remember("ann", "The kettle is blue.", datetime(2026, 1, 1, tzinfo=UTC))
    await remember("ann", "The kettle is red.", datetime(2026, 2, 1, tzinfo=UTC))
    await remember("bob", "The kettle is small.")

    assert await facts(api, "?user=ann&as_of=2026-01-15T00:00:00Z") == ["The kettle is blue."]
    assert await facts(api, "?user=ann&about=kettle&as_of=2026-02-15T00:00:00Z") == ["The kettle is red."]
    assert await facts(api, "?user=bob") == ["The kettle is small."]
    assert await facts(api, "") == []


async def test_a_memory_is_shown_with_its_origin_and_its_times(api: Api, clients: Clients) -> None:
    await remember("cem", "Tea is hot.")

    memories = (await api("GET", "/api/memories?user=cem")).body["memories"]

    assert {memory["run"] for memory in memories} == {run_id(TENANT, "Tea is hot.")}
    assert memories[0].keys() == {
        "id", "kind", "about", "text", "run", "sources", "confidence", "importance",
        "created", "valid_from", "valid_to", "used", "expires",
    }  # fmt: skip


async def test_memories_are_found_by_words_when_embeddings_fail(services: Servers, api: Api, clients: Clients) -> None:
    await remember("dora", "Mate is bitter.")
    services.script("embeddings", {"status": 503, "repeat": True})

    found = await facts(api, "?user=dora&about=mate")
    services.script("embeddings")

    assert found == ["Mate is bitter."]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("as_of=yesterday", "as_of"),
        ("as_of=2026-01-01T00:00:00", "as_of"),
        (f"user={'x' * 257}", "user"),
        (f"about={'x' * 2001}", "about"),
    ],
)
async def test_a_bad_query_is_refused_with_its_field(api: Api, query: str, field: str) -> None:
    answer = await api("GET", f"/api/memories?{query}")

    assert (answer.status, answer.body["errors"][0]["field"]) == (400, field)
