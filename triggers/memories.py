"""`GET /api/memories`: memories, as they hold now or held at another time."""

from datetime import UTC, datetime

import azure.durable_functions as df
import azure.functions as func

from murmuration.contracts.owner import Owner
from murmuration.http.body import MAX_NAME_CHARACTERS, parse_timestamp, read_query
from murmuration.http.problems import answering
from murmuration.http.runs import ok
from murmuration.policy.tenancy import user_key
from murmuration.services.current import current_clients, current_settings
from murmuration.services.errors import StepError
from murmuration.services.search.filters import valid_at
from murmuration.services.search.index import Search
from murmuration.services.step_context import StepContext

MAX_MEMORIES = 50
MAX_CHARACTERS = 2_000
FIELDS = (
    "id", "kind", "about", "text", "run", "sources", "confidence", "importance",
    "created", "valid_from", "valid_to", "used", "expires",
)  # fmt: skip

memories = df.Blueprint()


@memories.route(route="memories", methods=["GET"])
@answering
async def list_memories(req: func.HttpRequest) -> func.HttpResponse:
    """List memories that hold, of everybody and of `?user=`.

    With `?about=` the most relevant come first; `?as_of=` lists those that held at that time.
    """
    tenant = current_settings().tenant
    user = read_query(req, "user", MAX_NAME_CHARACTERS)
    about = read_query(req, "about", MAX_CHARACTERS)
    search = Search(
        text=about,
        top=MAX_MEMORIES,
        select=FIELDS,
        vector=await _vector(about),
        condition=valid_at(parse_timestamp(req, "as_of") or datetime.now(UTC)),
    )
    rows = await current_clients().memory.search(Owner(tenant=tenant, user=user_key(tenant, user)), search)
    return ok({"memories": [{name: row[name] for name in FIELDS} for row in rows]})


async def _vector(text: str) -> list[float] | None:
    """Embed the text; without embeddings memories are found by words alone."""
    if not text:
        return None
    try:
        return (await current_clients().model(StepContext(last_attempt=True)).embed([text]))[0]
    except StepError:
        return None
