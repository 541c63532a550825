"""The catalog: an index in which agents are found by their purpose."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from murmuration.agents.loader import all_agents
from murmuration.contracts.owner import Owner
from murmuration.services.clients import Clients
from murmuration.services.errors import StepError
from murmuration.services.search.index import CATALOG, Row
from murmuration.services.search.rows import embedded_text
from murmuration.services.step_context import StepContext

if TYPE_CHECKING:
    from murmuration.services.settings import Settings

EVERYBODY = Owner(tenant="*")
"""The owner of every row: the catalog belongs to the deployment, not to a tenant."""


async def list_agents(settings: "Settings") -> Sequence[Row]:
    """Write a row for every agent, and return the rows. Without embeddings, agents are found by words alone."""
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
        vectors = await clients.model(StepContext(last_attempt=True)).embed(
            [embedded_text(CATALOG, row) for row in rows]
        )
        for row, vector in zip(rows, vectors, strict=True):
            row["vector"] = vector
    except StepError:
        pass
    try:
        await clients.catalog.write(rows)
    finally:
        await clients.close()
    return rows
