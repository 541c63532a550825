"""One question to a model, over either of the two APIs that providers speak."""

from dataclasses import dataclass
from typing import Any

from openai import AsyncOpenAI
from openai.types.responses import Response

from murmuration.contracts.usage import Tokens

Message = dict[str, str]


@dataclass(frozen=True)
class ModelRequest:
    """A question as it is sent to one model."""

    model: str
    prompt: str
    messages: list[Message]
    name: str
    """The name of the structured output, which is the agent's."""
    schema: dict[str, Any]
    temperature: float | None
    """None for a model that does not take one."""


@dataclass(frozen=True)
class Completion:
    """A model's answer."""

    text: str
    """May be cut off or not match the schema; the reader of the reply checks it."""
    tokens: Tokens
    model: str
    """The model's own name for itself."""
    refused: bool


async def respond(client: AsyncOpenAI, request: ModelRequest) -> Completion:
    """Ask through POST /responses. Nothing is stored at the provider."""
    body: Any = {**responses_body(request), "store": False}
    return read_response(await client.responses.create(**body))


def responses_body(request: ModelRequest) -> dict[str, Any]:
    """Return the body of POST /responses, without `store`."""
    return {
        "model": request.model,
        "instructions": request.prompt,
        "input": request.messages,
        "text": {"format": {"type": "json_schema", **_format(request)}},
        **_temperature(request),
    }


def read_response(response: Response) -> Completion:
    usage = response.usage
    parts = [part for item in response.output for part in getattr(item, "content", None) or []]
    return Completion(
        text=response.output_text,
        tokens=Tokens(
            input=usage.input_tokens if usage else 0,
            cached_input=_cached(usage.input_tokens_details) if usage else 0,
            output=usage.output_tokens if usage else 0,
        ),
        model=response.model,
        refused=any(part.type == "refusal" for part in parts),
    )


async def chat_complete(client: AsyncOpenAI, request: ModelRequest) -> Completion:
    """Ask through POST /chat/completions, for servers that know only this."""
    body: Any = {
        "model": request.model,
        "messages": [{"role": "system", "content": request.prompt}, *request.messages],
        "response_format": {"type": "json_schema", "json_schema": _format(request)},
        **_temperature(request),
    }
    completion = await client.chat.completions.create(**body)
    usage = completion.usage
    message = completion.choices[0].message
    return Completion(
        text=message.content or "",
        tokens=Tokens(
            input=usage.prompt_tokens if usage else 0,
            cached_input=_cached(usage.prompt_tokens_details) if usage else 0,
            output=usage.completion_tokens if usage else 0,
        ),
        model=completion.model,
        refused=bool(message.refusal),
    )


def _cached(details: Any) -> int:
    """Return the number of cached tokens; servers other than OpenAI's may leave it out."""
    return getattr(details, "cached_tokens", None) or 0


def _format(request: ModelRequest) -> dict[str, Any]:
    return {"name": request.name, "strict": True, "schema": request.schema}


def _temperature(request: ModelRequest) -> dict[str, float]:
    return {} if request.temperature is None else {"temperature": request.temperature}
