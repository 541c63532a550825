"""How passages, drafts and conversations are read for an agent and shown to it."""

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
"""What a conversation may take of a prompt, about; of longer ones, the last turns are shown."""
INSERT_CHARACTERS = 8_000
"""Of an answer that an instruction refers to."""
ANSWER_CHARACTERS = 1_200
"""Of an earlier answer: enough to know what "it" is."""


async def read_passages(artifacts: Artifacts, references: Iterable[Reference | None]) -> tuple[Passage, ...]:
    """The passages of all sets, each passage once; of several sets, the best of each come first."""
    given = [each for each in references if each is not None]
    sets = [(await get_value(artifacts, reference, PassageSet)).passages for reference in given]
    ranked = sorted(
        ((rank, number, passage) for number, each in enumerate(sets) for rank, passage in enumerate(each)),
        key=lambda entry: entry[:2],
    )
    return tuple({passage.id: passage for _, _, passage in reversed(ranked)}.values())[::-1]


def as_prompt(passages: Sequence[Passage]) -> list[JsonValue]:
    """The passages as agents see them, numbered from 1."""
    return [
        {"number": number, "source": passage.source, "heading": passage.heading, "text": passage.text}
        for number, passage in enumerate(passages, start=1)
    ]


async def merge_citations(
    artifacts: Artifacts, passages: Sequence[Passage], answers: Sequence[TaskAnswer]
) -> tuple[list[Passage], list[JsonValue]]:
    """The passages followed by those that the answers cite, each once; and the answers as agents see them, with markers
    into these passages."""
    merged = list(passages)
    numbers = {passage.id: number for number, passage in enumerate(merged, start=1)}
    rows: list[JsonValue] = []
    for answer in answers:
        text = await get_text(artifacts, answer.draft.answer)
        own = await read_passages(artifacts, [answer.draft.passages])
        renumbered = {}
        for number in cited_numbers(text):
            if not 1 <= number <= len(own):
                continue
            passage = own[number - 1]
            if passage.id not in numbers:
                merged.append(passage)
                numbers[passage.id] = len(merged)
            renumbered[number] = numbers[passage.id]
        rows.append({"task": answer.task, "instruction": answer.instruction, "answer": renumber(text, renumbered)})
    return merged, rows


async def resolve_references(artifacts: Artifacts, text: str, inserts: Mapping[str, Sequence[Content]]) -> str:
    """The text with what its references stand for; of several answers, each is a paragraph."""
    values = {
        reference: "\n\n".join(
            [renumber(await get_text(artifacts, content), {})[:INSERT_CHARACTERS] for content in contents]
        )
        for reference, contents in inserts.items()
    }
    return substitute(text, values)


async def conversation(sessions: Sessions, session: str) -> JsonValue:
    """What was said before, as agents see it; None when the goal is part of no conversation, or of a new one."""
    if not session:
        return None
    kept = await sessions.read(session)
    turns: list[JsonValue] = []
    left = CONVERSATION_TOKENS
    for turn in reversed(kept.turns):
        answer = turn.answer[:ANSWER_CHARACTERS]
        left -= estimated_tokens(turn.goal) + estimated_tokens(answer)
        if left < 0 and turns:
            break
        turns.insert(0, {"goal": turn.goal, "answer": answer})
    return {"summary": kept.summary, "turns": turns} if turns or kept.summary else None
