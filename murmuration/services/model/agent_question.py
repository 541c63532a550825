"""One question to one agent, and the correction of its last reply."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar

from pydantic import JsonValue, ValidationError

from murmuration.agents.loader import Agent
from murmuration.contracts.base import Reply
from murmuration.services.errors import GiveUp
from murmuration.services.model.wire import Message, ModelRequest
from murmuration.services.telemetry.log import log

R = TypeVar("R", bound=Reply)

MAX_CORRECTIONS = 2
"""How often an unusable reply is sent back with the reason before the step fails."""


class AgentQuestion:
    """A question to an agent; after an unusable reply it carries that reply and what is wrong with it."""

    def __init__(self, agent: Agent, question: Mapping[str, JsonValue]) -> None:
        self.agent = agent
        self.content = question
        self.corrections = 0
        """How often a reply was sent back."""
        self._messages: list[Message] = [{"role": "user", "content": json.dumps(question, ensure_ascii=False)}]

    def request(self, model: str, *, temperature: bool) -> ModelRequest:
        """Return the request to `model`, with the agent's temperature if the model takes one."""
        return ModelRequest(
            model=model,
            prompt=self.agent.prompt,
            messages=self._messages,
            name=self.agent.name,
            schema=_schema(self.agent.contract),
            temperature=self.agent.temperature if temperature else None,
        )

    def read(self, text: str, reply: type[R]) -> R | None:
        """Return the reply; None when the question must be sent again. Raises `GiveUp` after `MAX_CORRECTIONS`."""
        try:
            return reply.model_validate_json(text)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
        problem = f"{'.'.join(str(part) for part in first['loc']) or 'the reply'}: {first['msg']}"
        log("reply_unusable", agent=self.agent.name, reason=problem[:200])
        if self.corrections == MAX_CORRECTIONS:
            attempts = 1 + MAX_CORRECTIONS
            raise GiveUp("unusable_reply", f"{self.agent.name} gave no usable reply in {attempts} attempts") from None
        self.corrections += 1
        correction = f"That can't be used: {problem}. Reply again, with the JSON alone."
        self._messages = [
            self._messages[0],
            {"role": "assistant", "content": text or "(nothing)"},
            {"role": "user", "content": correction},
        ]
        return None


@cache
def _schema(contract: type[Reply]) -> dict[str, Any]:
    return contract.model_json_schema(mode="serialization")
