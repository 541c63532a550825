"""`python -m murmuration.services.search`: indexes are made, moved to another embedding model, and retired."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from murmuration.cli.local_settings import SEARCH_KEY
from murmuration.contracts.owner import Owner
from murmuration.services.clients import Clients
from murmuration.services.search.index import KINDS, KNOWLEDGE, index_name
from murmuration.services.search.migration import EmbeddingModel, move
from murmuration.services.search.index import Search
from tests.services_on_loopback import ROOT, Servers, servers

ACME, OTHER = Owner(tenant="acme"), Owner(tenant="other", user="ada")
OLD = {"EMBEDDING_MODEL": "local-hash", "EMBEDDING_DIMENSIONS": "64"}
NEW = {"EMBEDDING_MODEL": "local-hash", "EMBEDDING_DIMENSIONS": "128"}


def row(number: int, owner: Owner = ACME) -> dict[str, Any]:
    text = {"title": "Tea", "heading": "Water", "text": f"Water number {number} is hot.", "kind": "markdown"}
    ids = {"id": f"row-{number:04}", "tenant": owner.tenant, "user": owner.user or None, "source": f"tea/{number}.md"}
    return {**ids, **text, "modified": "2026-01-01T00:00:00Z"}


def run(started: Servers, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """The command, as a person types it."""
    chosen = started.settings(**settings)
    environment = {
        **os.environ,
        "AZURE_SEARCH_ENDPOINT": chosen.search.url,
        "AZURE_SEARCH_API_KEY": SEARCH_KEY,
        "MODEL_BASE_URL": chosen.model.url,
        "MODEL_API_KEY": "local",
        "MODEL_STANDARD": "offline",
        "ARTIFACTS_URL": chosen.artifacts_url,
        **settings,
    }
    command = [sys.executable, "-m", "murmuration.services.search", *arguments]
    return subprocess.run(  # noqa: S603 - our own command
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


async def _with(clients: Clients, work: Any) -> Any:
    try:
        return await work(clients)
    finally:
        await clients.close()


def test_names_are_such_as_the_service_takes() -> None:
    assert index_name(KNOWLEDGE, "text-embedding-3-small", 1536) == "knowledge-text-embedding-3-small-1536"
    assert index_name(KNOWLEDGE, "_My.Model/v2 ", 8) == "knowledge-my-model-v2-8"
    assert len(index_name(KNOWLEDGE, "x" * 500, 4096)) <= 128


def test_rows_move_to_another_model_and_are_found_there(tmp_path: Path) -> None:
    rows = [*(row(number) for number in range(450)), row(999, OTHER)]
    with servers(tmp_path) as started:
        asyncio.run(_with(started.clients(**OLD), lambda clients: clients.knowledge.write(rows)))

        first = run(started, "migrate", "--from", "local-hash:64", **NEW)
        again = run(started, "migrate", "--from", "local-hash:64", **NEW)

        assert (first.returncode, again.returncode) == (0, 0), first.stderr
        assert "knowledge: 451 rows were moved" in first.stderr
        assert "knowledge: 0 rows were moved" in again.stderr

        async def look(clients: Clients) -> None:
            vector = (await clients.model(_ledger()).embed(["Tea Water\nWater number 7 is hot."]))[0]
            asked = Search("number 7", top=3, select=["id", "source", "title", "kind", "modified"], vector=vector)
            found = await clients.knowledge.search(ACME, asked)
            assert found[0]["source"] == "tea/7.md"
            path = await clients.knowledge.search(ACME, Search("tea", top=1, select=["id"]))
            assert path, "words of the path are found again, though they can't be read"
            assert len(await clients.knowledge.find(OTHER, "", top=5, select=["id"])) == 1

        asyncio.run(_with(Clients(started.settings(**NEW)), look))
        before = asyncio.run(_count(Clients(started.settings(**OLD))))
        assert before == 450, "the old index stays as it is, for the app that still runs with it"


def test_a_move_that_stopped_half_way_goes_on(tmp_path: Path) -> None:
    with servers(tmp_path) as started:
        asyncio.run(
            _with(started.clients(**OLD), lambda clients: clients.knowledge.write([row(n) for n in range(250)]))
        )
        started.clients(**NEW)
        started.script("embeddings", {}, {"status": 400, "error": "no"})
        stopped = run(started, "migrate", "--from", "local-hash:64", **NEW)
        resumed = run(started, "migrate", "--from", "local-hash:64", **NEW)

    assert stopped.returncode == 1
    assert "running it again goes on" in stopped.stderr
    assert "Traceback" not in stopped.stderr
    assert resumed.returncode == 0
    moved = [line for line in resumed.stderr.splitlines() if line.startswith("knowledge: ")]
    assert moved in (["knowledge: 50 rows were moved"], ["knowledge: 250 rows were moved"])


def test_what_is_in_use_is_not_retired_and_the_old_is(tmp_path: Path) -> None:
    with servers(tmp_path) as started:
        started.clients(**OLD)
        started.clients(**NEW)

        refused = run(started, "drop", "local-hash:128", **NEW)
        done = run(started, "drop", "local-hash:64", **NEW)
        left = _names(started)

    assert refused.returncode == 2
    assert "it is in use" in refused.stderr
    assert done.returncode == 0
    assert left == {index_name(kind, "local-hash", 128) for kind in KINDS}


@pytest.mark.parametrize("given", ["nothing", "model:", ":12", "model:many"])
def test_a_model_that_is_none_is_refused(tmp_path: Path, given: str) -> None:
    with servers(tmp_path) as started:
        told = run(started, "migrate", "--from", given, **NEW)

    assert told.returncode == 2
    assert given in told.stderr


def test_moving_from_an_index_that_is_not_there_says_so(tmp_path: Path) -> None:
    with servers(tmp_path) as started:
        told = run(started, "migrate", "--from", "never:64", **NEW)

    assert told.returncode == 1
    assert "Traceback" not in told.stderr
    assert "404" in told.stderr


def test_agents_are_found_by_what_they_are_good_for(tmp_path: Path) -> None:
    from murmuration.services.search.catalog import EVERYBODY, list_agents

    with servers(tmp_path) as started:
        settings = started.settings()
        asyncio.run(_with(started.clients(), lambda _: list_agents(settings)))

        async def look(clients: Clients) -> list[str]:
            found = await clients.catalog.search(EVERYBODY, Search("judge the citations", top=2, select=["name"]))
            return [each["name"] for each in found]

        assert asyncio.run(_with(Clients(settings), look))[0] == "evaluator"


async def _count(clients: Clients) -> int:
    found: list[Any] = await _with(clients, lambda each: each.knowledge.find(ACME, "", top=1_000, select=["id"]))
    return len(found)


def _names(started: Servers) -> set[str]:
    from azure.core.credentials import AzureKeyCredential
    from azure.search.documents.indexes import SearchIndexClient

    with SearchIndexClient(started.search, AzureKeyCredential(SEARCH_KEY)) as client:
        return {index.name for index in client.list_indexes()}


def _ledger() -> Any:
    from murmuration.services.step_context import StepContext

    return StepContext(last_attempt=True)


def test_a_move_writes_nothing_twice_however_often(tmp_path: Path) -> None:
    with servers(tmp_path) as started:
        asyncio.run(_with(started.clients(**OLD), lambda clients: clients.knowledge.write([row(1)])))
        started.clients(**NEW)
        moved = [asyncio.run(move(started.settings(**NEW), EmbeddingModel("local-hash", 64))) for _ in range(2)]

    assert moved == [{"knowledge": 1, "memory": 0}, {"knowledge": 0, "memory": 0}]
