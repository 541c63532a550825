"""`GET /api/memories`: what is remembered, now or at another time."""

from datetime import UTC, datetime
from typing import Any

import azure.durable_functions as df
import azure.functions as func

from contracts.owner import Owner
from policy.tenancy import user_key
from services.clients import current_clients
from services.errors import StepError
from services.ledger import Ledger
from services.search.filters import held_at
from services.search.store import Search
from services.settings import current_settings
from triggers.body import MAX_NAME_CHARACTERS, moment, read_query
from triggers.problems import answering
from triggers.runs import ok

MOST = 50
MAX_CHARACTERS = 2_000
SHOWN = (
    "id", "kind", "about", "text", "run", "sources", "confidence", "importance",
    "created", "valid_from", "valid_to", "used", "expires",
)  # fmt: skip

memories = df.Blueprint()


@memories.route(route="memories", methods=["GET"])
@answering
async def list_memories(req: func.HttpRequest) -> func.HttpResponse:
    """What holds, of everybody and of `?user=`; with `?about=`, the most relevant first; with `?as_of=`, what held."""
    tenant = current_settings().tenant
    user = read_query(req, "user", MAX_NAME_CHARACTERS)
    about = read_query(req, "about", MAX_CHARACTERS)
    asked = Search(
        text=about,
        top=MOST,
        select=SHOWN,
        vector=await _vector(about),
        condition=held_at(moment(req, "as_of") or datetime.now(UTC)),
    )
    rows = await current_clients().memory.search(Owner(tenant=tenant, user=user_key(tenant, user)), asked)
    shown: list[dict[str, Any]] = [{name: row[name] for name in SHOWN} for row in rows]
    return ok({"memories": shown})


async def _vector(text: str) -> list[float] | None:
    if not text:
        return None
    try:
        return (await current_clients().model(Ledger(last_attempt=True)).embed([text]))[0]
    except StepError:
        return None
