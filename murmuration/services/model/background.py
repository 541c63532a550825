"""Responses that the provider works on while nobody waits: started, looked after, fetched or cancelled."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from murmuration.services.errors import GiveUp, Refused, RetryLater
from murmuration.services.model.errors import CONTENT_FILTER_CODES
from murmuration.services.model.wire import Completion, Question, read_response, responses_request

if TYPE_CHECKING:
    from openai import AsyncOpenAI
    from openai.types.responses import Response

UNDER_WAY = frozenset({"queued", "in_progress"})
WORTH_ANOTHER_START = frozenset({"server_error", "rate_limit_exceeded"})


class Broken(RetryLater):
    """The response will never be done, but another might."""


@dataclass(frozen=True)
class Started:
    """A response under way, as it travels through history."""

    deployment: str
    """Its label in the settings: the same endpoint must be asked for it."""
    repeats: int
    """How many unusable replies came before."""
    response: str

    @property
    def token(self) -> str:
        return f"{self.deployment} {self.repeats} {self.response}"

    @staticmethod
    def of(token: str) -> "Started":
        deployment, repeats, response = token.rsplit(" ", 2)
        return Started(deployment, int(repeats), response)


async def start(client: "AsyncOpenAI", question: Question) -> str:
    """POST /responses; the response's id. The provider stores it: otherwise there would be nothing to fetch."""
    request: Any = {**responses_request(question), "background": True, "store": True}
    response: Response = await client.responses.create(**request)
    return response.id


async def fetch(client: "AsyncOpenAI", response_id: str) -> Completion | None:
    """GET /responses/{id}; None while it is under way. Raises `Broken`, `GiveUp` and `Refused`."""
    from openai import NotFoundError

    try:
        response = await client.responses.retrieve(response_id)
    except NotFoundError as error:
        raise GiveUp("background_expired", "the provider no longer has the response") from error
    if response.status in UNDER_WAY:
        return None
    if response.status == "cancelled":
        raise GiveUp("background_cancelled", "the response was cancelled")
    if response.status == "failed":
        code = response.error.code if response.error else "server_error"
        if code in WORTH_ANOTHER_START:
            raise Broken("model_unavailable", "the model failed in the background")
        raise GiveUp("model_rejected_request", "the model gave up in the background")
    why = response.incomplete_details.reason if response.incomplete_details else None
    if why in CONTENT_FILTER_CODES:
        raise Refused("content_filtered", "the provider's content filter stopped the response")
    return read_response(response)


async def cancel(client: "AsyncOpenAI", response_id: str) -> None:
    """POST /responses/{id}/cancel. One that has ended, or is no longer there, stays as it is."""
    from openai import BadRequestError, NotFoundError

    try:
        await client.responses.cancel(response_id)
    except (BadRequestError, NotFoundError):
        return
