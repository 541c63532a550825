"""`python -m murmuration.services.search` creates indexes, moves rows to another embedding model, and drops indexes."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

from murmuration.cli.local_settings import SEARCH_KEY
from murmuration.contracts.owner import Owner
from murmuration.services.clients import Clients, search_index_client
from murmuration.services.search.catalog import EVERYBODY, list_agents
from murmuration.services.search.index import KINDS, KNOWLEDGE, Search, index_name
from murmuration.services.search.migration import EmbeddingModel, move
from murmuration.services.step_context import StepContext
from tests.services_on_loopback import ROOT, Servers, servers

ACME, OTHER = Owner(tenant="acme"), Owner(tenant="other", user="ada")
T = TypeVar("T")
OLD = {"EMBEDDING_MODEL": "local-hash", "EMBEDDING_DIMENSIONS": "64"}
NEW = {"EMBEDDING_MODEL": "local-hash", "EMBEDDING_DIMENSIONS": "128"}


def row(number: int, owner: Owner = ACME) -> dict[str, Any]:
    text = {"title": "Tea", "heading": "Water", "text": f"Water number {number} is hot.", "kind": "markdown"}
    ids = {"id": f"row-{number:04}", "tenant": owner.tenant, "user": owner.user or None, "source": f"tea/{number}.md"}
    return {**ids, **text, "modified": "2026-01-01T00:00:00Z"}


def run(started: Servers, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run the command as a person would."""
    resolved = started.settings(**settings)
    environment = {
        **os.environ,
        "AZURE_SEARCH_ENDPOINT": resolved.search.url,
        "AZURE_SEARCH_API_KEY": SEARCH_KEY,
        "MODEL_BASE_URL": resolved.model.url,
        "MODEL_API_KEY": "local",
        "MODEL_STANDARD": "offline",
        "ARTIFACTS_URL": resolved.artifacts_url,
        **settings,
    }
    command = [sys.executable, "-m", "murmuration.services.search", *arguments]
    return subprocess.run(  # noqa: S603
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False
    )


async def _with(clients: Clients, work: Callable[[Clients], Awaitable[T]]) -> T:
    try:
        return await work(clients)
    finally:
        await clients.close()


def test_index_names_follow_the_rules_of_the_service() -> None:
    assert index_name(KNOWLEDGE, "text-embedding-3-small", 1536) == "knowledge-text-embedding-3-small-1536"
    assert index_name(KNOWLEDGE, "_My.Model/v2 ", 8) == "knowledge-my-model-v2-8"
    assert len(index_name(KNOWLEDGE, "x" * 500, 4096)) <= 128


def test_rows_move_to_another_model_and_are_found_there(tmp_path: Path) -> None:
    rows = [*(row(number) for number in range(450)), row(999, OTHER)]
    with servers(tmp_path) as started:
        asyncio.run(_with(started.clients(**OLD), lambda clients: clients.knowledge.write(rows)))

        first = run(started, "migrate", "--from", "local-hash:64", **NEW)
        repeated = run(started, "migrate", "--from", "local-hash:64", **NEW)

        assert (first.returncode, repeated.returncode) == (0, 0), first.stderr
        assert "knowledge: 451 rows were moved" in first.stderr
        assert "knowledge: 0 rows were moved" in repeated.stderr

        async def look(clients: Clients) -> None:
            vector = (await clients.model(StepContext(last_attempt=True)).embed(["Tea Water\nWater number 7 is hot."]))[
                0
            ]
            search = Search("number 7", top=3, select=["id", "source", "title", "kind", "modified"], vector=vector)
            rows = await clients.knowledge.search(ACME, search)
            assert rows[0]["source"] == "tea/7.md"
            by_path = await clients.knowledge.search(ACME, Search("tea", top=1, select=["id"]))
            assert by_path, "the words of the path are searched, though the index never returns them"
            assert len(await clients.knowledge.find(OTHER, "", top=5, select=["id"])) == 1

        asyncio.run(_with(Clients(started.settings(**NEW)), look))
        before = asyncio.run(_count(Clients(started.settings(**OLD))))
        assert before == 450, "the old index stays as it is: the app still uses it"


def test_a_move_that_stopped_half_way_can_be_resumed(tmp_path: Path) -> None:
    with servers(tmp_path) as started:
        asyncio.run(
            _with(started.clients(**OLD), lambda clients: clients.knowledge.write([row(n) for n in range(250)]))
        )
        started.clients(**NEW)
        started.script("embeddings", {}, {"status": 400, "error": "no"})
        stopped = run(started, "migrate", "--from", "local-hash:64", **NEW)
        resumed = run(started, "migrate", "--from", "local-hash:64", **NEW)

    assert stopped.returncode == 1
    assert "run it again to go on" in stopped.stderr
    assert "Traceback" not in stopped.stderr
    assert resumed.returncode == 0
    moved = [line for line in resumed.stderr.splitlines() if line.startswith("knowledge: ")]
    assert moved in (["knowledge: 50 rows were moved"], ["knowledge: 250 rows were moved"])


def test_only_indexes_of_a_model_that_is_not_in_use_are_dropped(tmp_path: Path) -> None:
    with servers(tmp_path) as started:
        started.clients(**OLD)
        started.clients(**NEW)

        refused = run(started, "drop", "local-hash:128", **NEW)
        done = run(started, "drop", "local-hash:64", **NEW)
        left = _names(started)

    assert refused.returncode == 2
    assert "is in use" in refused.stderr
    assert done.returncode == 0
    assert left == {index_name(kind, "local-hash", 128) for kind in KINDS}


@pytest.mark.parametrize("text", ["nothing", "model:", ":12", "model:many"])
def test_a_malformed_model_is_refused_and_quoted(tmp_path: Path, text: str) -> None:
    with servers(tmp_path) as started:
        refused = run(started, "migrate", "--from", text, **NEW)

    assert refused.returncode == 2
    assert text in refused.stderr


def test_a_move_from_a_missing_index_reports_it(tmp_path: Path) -> None:
    with servers(tmp_path) as started:
        failed = run(started, "migrate", "--from", "never:64", **NEW)

    assert failed.returncode == 1
    assert "Traceback" not in failed.stderr
    assert "404" in failed.stderr


def test_agents_are_found_by_their_purpose(tmp_path: Path) -> None:
    with servers(tmp_path) as started:
        settings = started.settings()
        asyncio.run(_with(started.clients(), lambda _: list_agents(settings)))

        async def look(clients: Clients) -> list[str]:
            rows = await clients.catalog.search(EVERYBODY, Search("judge the citations", top=2, select=["name"]))
            return [row["name"] for row in rows]

        assert asyncio.run(_with(Clients(settings), look))[0] == "evaluator"


def test_a_repeated_move_writes_nothing_twice(tmp_path: Path) -> None:
    with servers(tmp_path) as started:
        asyncio.run(_with(started.clients(**OLD), lambda clients: clients.knowledge.write([row(1)])))
        started.clients(**NEW)
        moved = [asyncio.run(move(started.settings(**NEW), EmbeddingModel("local-hash", 64))) for _ in range(2)]

    assert moved == [{"knowledge": 1, "memory": 0}, {"knowledge": 0, "memory": 0}]


async def _count(clients: Clients) -> int:
    return len(await _with(clients, lambda opened: opened.knowledge.find(ACME, "", top=1_000, select=["id"])))


def _names(started: Servers) -> set[str]:
    with search_index_client(started.settings()) as client:
        return {index.name for index in client.list_indexes()}
