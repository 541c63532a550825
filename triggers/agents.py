"""`GET /api/agents`: which agents there are, and which suits a task best."""

import azure.durable_functions as df
import azure.functions as func

from murmuration.agents.loader import all_agents
from murmuration.http.body import read_query
from murmuration.http.problems import answering
from murmuration.http.runs import ok
from murmuration.services.clients import current_clients
from murmuration.services.errors import StepError
from murmuration.services.search.catalog import EVERYBODY
from murmuration.services.search.store import Search
from murmuration.services.step_context import StepContext

MOST = 10
MAX_CHARACTERS = 2_000

agents = df.Blueprint()


@agents.route(route="agents", methods=["GET"])
@answering
async def list_agents(req: func.HttpRequest) -> func.HttpResponse:
    """All agents; with `?for=task`, those that suit it, the best first, by words and by meaning."""
    task = read_query(req, "for", MAX_CHARACTERS)
    names = await _suited(task) if task else [agent.name for agent in all_agents()]
    known = {agent.name: agent for agent in all_agents()}
    shown = [known[name].model_dump(mode="json", exclude={"prompt"}) for name in names if name in known]
    return ok({"agents": shown})


async def _suited(task: str) -> list[str]:
    clients = current_clients()
    try:
        vector = (await clients.model(StepContext(last_attempt=True)).embed([task]))[0]
    except StepError:
        vector = None
    rows = await clients.catalog.search(EVERYBODY, Search(task, top=MOST, select=["name"], vector=vector))
    return [row["name"] for row in rows]
