"""The JSON of OpenAI's API: what requests hold and what answers look like. Pure functions."""

import base64
import json
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from loopback.model.bert import Array
from loopback.model.errors import ApiError

Body = dict[str, Any]


@dataclass(frozen=True)
class Reply:
    """The reply of the model to one question."""

    text: str
    refusal: str | None = None
    cut_off: bool = False


def request_body(content: bytes) -> Body:
    """Parse the body of a request that must name its model; raises `ApiError`."""
    try:
        body = json.loads(content)
    except ValueError as error:
        raise ApiError(400, f"the body is not JSON: {error}") from error
    if not isinstance(body, dict) or not isinstance(body.get("model"), str):
        raise ApiError(400, "you must provide a model parameter", param="model")
    if body.get("stream"):
        raise ApiError(400, "stream is not supported here", param="stream")
    return body


def question_of(messages: Any, param: str) -> str:
    """Return the text of the user's last message, or of the first when only that one is a JSON object.

    Later messages may ask for a better reply; the question is still the first. Raises `ApiError`.
    """
    if isinstance(messages, str):
        return messages
    rows = [row for row in messages or [] if isinstance(row, dict) and row.get("role") == "user"]
    if not rows:
        raise ApiError(400, f"{param} must hold a message of the user", param=param)
    for row in (rows[-1], rows[0]):
        content = row.get("content")
        text = content if isinstance(content, str) else " ".join(str(part.get("text", "")) for part in content or [])
        if text.lstrip().startswith("{"):
            return text
    return text


def response_object(model: str, reply: Reply, tokens: tuple[int, int]) -> Body:
    """Build the answer of /responses; `tokens` counts input and output."""
    status = "incomplete" if reply.cut_off else "completed"
    part = (
        {"type": "refusal", "refusal": reply.refusal}
        if reply.refusal
        else {"type": "output_text", "text": reply.text, "annotations": []}
    )
    message = {
        "type": "message",
        "id": f"msg_{uuid.uuid4().hex}",
        "status": status,
        "role": "assistant",
        "content": [part],
    }
    return {
        "id": f"resp_{uuid.uuid4().hex}",
        "object": "response",
        "created_at": int(time.time()),
        "status": status,
        "incomplete_details": {"reason": "max_output_tokens"} if reply.cut_off else None,
        "model": model,
        "output": [message],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": {
            "input_tokens": tokens[0],
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": tokens[1],
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": sum(tokens),
        },
    }


def chat_completion(model: str, reply: Reply, tokens: tuple[int, int]) -> Body:
    """Build the answer of /chat/completions; `tokens` counts input and output."""
    content = None if reply.refusal else reply.text
    choice = {
        "index": 0,
        "finish_reason": "length" if reply.cut_off else "stop",
        "logprobs": None,
        "message": {"role": "assistant", "content": content, "refusal": reply.refusal},
    }
    return {
        "id": f"chatcmpl-{uuid.uuid4().hex}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": model,
        "choices": [choice],
        "usage": {"prompt_tokens": tokens[0], "completion_tokens": tokens[1], "total_tokens": sum(tokens)},
    }


def texts_to_embed(body: Body, limit: int) -> list[str]:
    """Return the texts of a request for embeddings, 1 to `limit`; raises `ApiError`."""
    value = body.get("input")
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
        raise ApiError(400, "input must be a text or a list of texts", param="input")
    if len(texts) > limit:
        raise ApiError(400, f"input has {len(texts)} texts: it may have at most {limit}", param="input")
    dimensions = body.get("dimensions")
    if dimensions is not None and type(dimensions) is not int:
        raise ApiError(400, f"dimensions is {dimensions!r}: it must be a whole number", param="dimensions")
    return texts


def embedding_list(model: str, vectors: Array, texts: Sequence[str], encoding: Any) -> Body:
    """Build the answer of /embeddings: lists of numbers, or base64 of little-endian float32."""
    in_base64 = encoding == "base64"
    rows = [
        {
            "object": "embedding",
            "index": number,
            "embedding": base64.b64encode(vector.astype("<f4").tobytes()).decode() if in_base64 else vector.tolist(),
        }
        for number, vector in enumerate(vectors)
    ]
    # Estimated at four characters a token: counting thousands of texts exactly would delay the answer.
    tokens = sum(len(text) for text in texts) // 4
    return {
        "object": "list",
        "model": model,
        "data": rows,
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }
