"""Reads passages, answers and conversations from storage, and shapes them for an agent's question."""

from collections.abc import Iterable, Mapping, Sequence

from pydantic import JsonValue

from murmuration.contracts.answers import TaskAnswer
from murmuration.contracts.content import Content, Reference
from murmuration.contracts.passages import Passage, PassageSet
from murmuration.policy.citations import cited_numbers, renumber
from murmuration.policy.passages import estimated_tokens
from murmuration.policy.references import substitute
from murmuration.services.storage.artifacts import Artifacts, get_text, get_value
from murmuration.services.storage.sessions import Sessions

CONVERSATION_TOKENS = 1_500
"""Estimated tokens of a conversation in a question; of a longer one, only the last turns are sent."""
INSERT_CHARACTERS = 8_000
"""Characters of an answer that takes the place of a reference."""
TURN_CHARACTERS = 1_200
"""Characters of an earlier turn's answer: enough to know what "it" is."""


async def read_passages(artifacts: Artifacts, references: Iterable[Reference | None]) -> tuple[Passage, ...]:
    """Return the passages of all sets, each once: first every set's best, then every set's second, and so on."""
    sets = [
        (await get_value(artifacts, reference, PassageSet)).passages
        for reference in references
        if reference is not None
    ]
    ranked = sorted(
        ((rank, number, passage) for number, passages in enumerate(sets) for rank, passage in enumerate(passages)),
        key=lambda entry: entry[:2],
    )
    unique: dict[str, Passage] = {}
    for _, _, passage in ranked:
        unique.setdefault(passage.id, passage)
    return tuple(unique.values())


def as_prompt(passages: Sequence[Passage]) -> list[JsonValue]:
    """Return passages as agents see them, numbered from 1."""
    return [
        {"number": number, "source": passage.source, "heading": passage.heading, "text": passage.text}
        for number, passage in enumerate(passages, start=1)
    ]


async def merge_citations(
    artifacts: Artifacts, passages: Sequence[Passage], answers: Sequence[TaskAnswer]
) -> tuple[list[Passage], list[JsonValue]]:
    """Return the passages, then others that the answers cite, each once; and the answers with markers into them."""
    merged = list(passages)
    numbers = {passage.id: number for number, passage in enumerate(merged, start=1)}
    prompt: list[JsonValue] = []
    for answer in answers:
        text = await get_text(artifacts, answer.draft.answer)
        own = await read_passages(artifacts, [answer.draft.passages])
        renumbered = {}
        for marker in cited_numbers(text):
            if not 1 <= marker <= len(own):
                continue
            passage = own[marker - 1]
            if passage.id not in numbers:
                merged.append(passage)
                numbers[passage.id] = len(merged)
            renumbered[marker] = numbers[passage.id]
        prompt.append({"task": answer.task, "instruction": answer.instruction, "answer": renumber(text, renumbered)})
    return merged, prompt


async def resolve_references(artifacts: Artifacts, text: str, inserts: Mapping[str, Sequence[Content]]) -> str:
    """Return the text with its references replaced; several answers become several paragraphs."""
    values = {
        reference: "\n\n".join(
            [renumber(await get_text(artifacts, content), {})[:INSERT_CHARACTERS] for content in contents]
        )
        for reference, contents in inserts.items()
    }
    return substitute(text, values)


async def conversation_as_prompt(sessions: Sessions, session: str) -> JsonValue:
    """Return a conversation as agents see it; None without a session or before its first turn."""
    if not session:
        return None
    conversation = await sessions.read(session)
    turns: list[JsonValue] = []
    tokens_left = CONVERSATION_TOKENS
    for turn in reversed(conversation.turns):
        answer = turn.answer[:TURN_CHARACTERS]
        tokens_left -= estimated_tokens(turn.goal) + estimated_tokens(answer)
        if tokens_left < 0 and turns:
            break
        turns.insert(0, {"goal": turn.goal, "answer": answer})
    return {"summary": conversation.summary, "turns": turns} if turns or conversation.summary else None
