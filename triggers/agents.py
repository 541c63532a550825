"""`GET /api/agents`: the agents, and which of them suit a task."""

from typing import Any

import azure.durable_functions as df
import azure.functions as func

from murmuration.agents.loader import Agent, all_agents
from murmuration.http.body import read_query
from murmuration.http.problems import answering
from murmuration.http.runs import ok
from murmuration.services.current import current_clients
from murmuration.services.errors import StepError
from murmuration.services.search.catalog import EVERYBODY
from murmuration.services.search.index import Search
from murmuration.services.step_context import StepContext

MAX_RESULTS = 10
MAX_CHARACTERS = 2_000

agents = df.Blueprint()


@agents.route(route="agents", methods=["GET"])
@answering
async def list_agents(req: func.HttpRequest) -> func.HttpResponse:
    """List all agents; with `?for=task`, those whose purpose suits the task, the best first."""
    task = read_query(req, "for", MAX_CHARACTERS)
    known = {agent.name: agent for agent in all_agents()}
    names = await _suitable(task) if task else list(known)
    return ok({"agents": [_row(known[name]) for name in names if name in known]})


async def _suitable(task: str) -> list[str]:
    """Search the catalog by words and by meaning; without embeddings, by words alone."""
    clients = current_clients()
    try:
        vector = (await clients.model(StepContext(last_attempt=True)).embed([task]))[0]
    except StepError:
        vector = None
    rows = await clients.catalog.search(EVERYBODY, Search(task, top=MAX_RESULTS, select=["name"], vector=vector))
    return [row["name"] for row in rows]


def _row(agent: Agent) -> dict[str, Any]:
    """An agent as callers see it: all but its prompt, and the type of tasks for which a plan may name it."""
    row = agent.model_dump(mode="json", exclude={"prompt"})
    return {**row, "task_type": agent.task_type if agent.in_plans else None}
