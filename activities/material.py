"""How passages and drafts are read for an agent and shown to it."""

from collections.abc import Iterable, Sequence

from pydantic import JsonValue

from contracts.content import Reference
from contracts.passages import Passage, PassageSet
from services.artifacts import Artifacts, get_value


async def read_passages(artifacts: Artifacts, references: Iterable[Reference]) -> tuple[Passage, ...]:
    """The passages of all sets, each passage once; of several sets, the best of each come first."""
    sets = [(await get_value(artifacts, reference, PassageSet)).passages for reference in references]
    ranked = sorted(
        ((rank, number, passage) for number, each in enumerate(sets) for rank, passage in enumerate(each)),
        key=lambda entry: entry[:2],
    )
    return tuple({passage.id: passage for _, _, passage in reversed(ranked)}.values())[::-1]


def shown(passages: Sequence[Passage]) -> list[JsonValue]:
    """The passages as agents see them, numbered from 1."""
    return [
        {"number": number, "source": passage.source, "heading": passage.heading, "text": passage.text}
        for number, passage in enumerate(passages, start=1)
    ]
