"""The catalog: agents, and what they are good for, to be found by meaning."""

from collections.abc import Sequence

from agents.loader import all_agents
from contracts.owner import Owner
from services.clients import Clients
from services.errors import StepError
from services.ledger import Ledger
from services.search.indexes import CATALOG
from services.search.rows import embedded_text
from services.search.store import Row
from services.settings import Settings

EVERYBODY = Owner(tenant="*")
"""The catalog is the deployment's, and no tenant's."""


async def list_agents(settings: Settings) -> Sequence[Row]:
    """Write a row for every agent's file; without embeddings they are found by their words. Returns the rows."""
    clients = Clients(settings)
    rows: list[Row] = [
        {
            "id": f"agent-{agent.name}",
            "tenant": EVERYBODY.tenant,
            "kind": "agent",
            "name": agent.name,
            "purpose": agent.purpose,
            "examples": "\n".join(agent.examples),
            "version": agent.version,
        }
        for agent in all_agents()
    ]
    try:
        vectors = await clients.model(Ledger(last_attempt=True)).embed([embedded_text(CATALOG, row) for row in rows])
        for row, vector in zip(rows, vectors, strict=True):
            row["vector"] = vector
    except StepError:
        pass
    try:
        await clients.catalog.write(rows)
    finally:
        await clients.close()
    return rows
