"""One question to one agent, and what was wrong with its replies so far."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar

from pydantic import JsonValue, ValidationError

from murmuration.agents.loader import Agent
from murmuration.contracts.base import Reply
from murmuration.services.errors import GiveUp
from murmuration.services.model.wire import Message, Question
from murmuration.services.telemetry.log import log

R = TypeVar("R", bound=Reply)

ASKED_AGAIN = 2
"""How often a reply that can't be used is asked for again, with the reason, before the step fails closed."""


class Conversation:
    """Grows by the last reply that could not be used."""

    def __init__(self, agent: Agent, question: Mapping[str, JsonValue]) -> None:
        self.agent = agent
        self.question = question
        self.repeats = 0
        """How often it was asked again."""
        self._messages: list[Message] = [{"role": "user", "content": json.dumps(question, ensure_ascii=False)}]

    def asked_of(self, model: str, *, temperature: bool) -> Question:
        """As it is sent to `model`; `temperature` says whether that takes one."""
        return Question(
            model=model,
            prompt=self.agent.prompt,
            messages=self._messages,
            name=self.agent.name,
            schema=_schema(self.agent.contract),
            temperature=self.agent.temperature if temperature else None,
        )

    def read(self, text: str, reply: type[R]) -> R | None:
        """The reply; None when it must be asked for again. Raises `GiveUp` when that was done too often."""
        try:
            return reply.model_validate_json(text)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
        problem = f"{'.'.join(str(part) for part in first['loc']) or 'the reply'}: {first['msg']}"
        log("reply_unusable", agent=self.agent.name, reason=problem[:200])
        if self.repeats == ASKED_AGAIN:
            raise GiveUp(
                "unusable_reply", f"{self.agent.name} gave no usable reply in {1 + ASKED_AGAIN} attempts"
            ) from None
        self.repeats += 1
        wish = f"That can't be used: {problem}. Reply again, with the JSON alone."
        self._messages = [
            self._messages[0],
            {"role": "assistant", "content": text or "(nothing)"},
            {"role": "user", "content": wish},
        ]
        return None


@cache
def _schema(contract: type[Reply]) -> dict[str, Any]:
    return contract.model_json_schema(mode="serialization")
