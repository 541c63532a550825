"""Responses that the provider works on in the background: started, polled, and fetched or cancelled."""

from dataclasses import dataclass
from typing import Any

from openai import AsyncOpenAI, BadRequestError, NotFoundError
from openai.types.responses import Response

from murmuration.services.errors import GiveUp, Refused, RetryLater
from murmuration.services.model.errors import CONTENT_FILTER_CODES
from murmuration.services.model.wire import Completion, ModelRequest, read_response, responses_body

UNDER_WAY = frozenset({"queued", "in_progress"})
RESTARTED_CODES = frozenset({"server_error", "rate_limit_exceeded"})
"""Codes of a failed response after which a new one may succeed."""


class ResponseFailed(RetryLater):
    """The response has failed, and a new one may succeed."""


@dataclass(frozen=True)
class StartedResponse:
    """A response under way; its token travels through history."""

    deployment: str
    """The deployment's label in the settings: its endpoint alone knows the response."""
    corrections: int
    """How many unusable replies came before."""
    response: str
    """The response's id."""

    @property
    def token(self) -> str:
        return f"{self.deployment} {self.corrections} {self.response}"

    @staticmethod
    def from_token(token: str) -> "StartedResponse":
        deployment, corrections, response = token.rsplit(" ", 2)
        return StartedResponse(deployment, int(corrections), response)


async def start(client: AsyncOpenAI, request: ModelRequest) -> str:
    """Start a response through POST /responses and return its id. The provider stores it until it is fetched."""
    body: Any = {**responses_body(request), "background": True, "store": True}
    response: Response = await client.responses.create(**body)
    return response.id


async def fetch(client: AsyncOpenAI, response_id: str) -> Completion | None:
    """Fetch through GET /responses/{id}; None while it is under way. Raises `ResponseFailed`, `GiveUp`, `Refused`."""
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
        if code in RESTARTED_CODES:
            raise ResponseFailed("model_unavailable", "the model failed in the background")
        raise GiveUp("model_rejected_request", "the model gave up in the background")
    reason = response.incomplete_details.reason if response.incomplete_details else None
    if reason in CONTENT_FILTER_CODES:
        raise Refused("content_filtered", "the provider's content filter stopped the response")
    return read_response(response)


async def cancel(client: AsyncOpenAI, response_id: str) -> None:
    """Cancel through POST /responses/{id}/cancel. A response that has ended or is gone stays as it is."""
    try:
        await client.responses.cancel(response_id)
    except (BadRequestError, NotFoundError):
        return
