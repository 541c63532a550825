"""One question to a model, over either of the two APIs that providers speak."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from murmuration.contracts.usage import Tokens

if TYPE_CHECKING:
    from openai import AsyncOpenAI
    from openai.types.responses import Response

Message = dict[str, str]


@dataclass(frozen=True)
class Question:
    model: str
    prompt: str
    messages: list[Message]
    name: str
    """Of the structured output: the agent's."""
    schema: dict[str, Any]
    temperature: float | None
    """None: the model does not take one."""


@dataclass(frozen=True)
class Completion:
    text: str
    """May be cut off or not be what was asked for: whoever parses it finds out."""
    tokens: Tokens
    model: str
    """As it names itself."""
    refused: bool


async def respond(client: "AsyncOpenAI", question: Question) -> Completion:
    """POST /responses. Nothing is stored at the provider."""
    request: Any = {**responses_request(question), "store": False}
    return read_response(await client.responses.create(**request))


def responses_request(question: Question) -> dict[str, Any]:
    """The body of POST /responses, without how it is kept."""
    return {
        "model": question.model,
        "instructions": question.prompt,
        "input": question.messages,
        "text": {"format": {"type": "json_schema", **_format(question)}},
        **_temperature(question),
    }


def read_response(response: "Response") -> Completion:
    used = response.usage
    parts = [part for item in response.output for part in getattr(item, "content", None) or []]
    return Completion(
        text=response.output_text,
        tokens=Tokens(
            input=used.input_tokens if used else 0,
            cached_input=_cached(used.input_tokens_details) if used else 0,
            output=used.output_tokens if used else 0,
        ),
        model=response.model,
        refused=any(part.type == "refusal" for part in parts),
    )


async def chat_complete(client: "AsyncOpenAI", question: Question) -> Completion:
    """POST /chat/completions, for servers that know only this."""
    request: Any = {
        "model": question.model,
        "messages": [{"role": "system", "content": question.prompt}, *question.messages],
        "response_format": {"type": "json_schema", "json_schema": _format(question)},
        **_temperature(question),
    }
    completion = await client.chat.completions.create(**request)
    used = completion.usage
    message = completion.choices[0].message
    return Completion(
        text=message.content or "",
        tokens=Tokens(
            input=used.prompt_tokens if used else 0,
            cached_input=_cached(used.prompt_tokens_details) if used else 0,
            output=used.completion_tokens if used else 0,
        ),
        model=completion.model,
        refused=bool(message.refusal),
    )


def _cached(details: Any) -> int:
    """Servers other than OpenAI's leave the details out."""
    return getattr(details, "cached_tokens", None) or 0


def _format(question: Question) -> dict[str, Any]:
    return {"name": question.name, "strict": True, "schema": question.schema}


def _temperature(question: Question) -> dict[str, float]:
    return {} if question.temperature is None else {"temperature": question.temperature}
