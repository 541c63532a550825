"""What the swarm keeps of a run, and what it recalls: memories and conversations."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from murmuration.contracts.base import Contract
from murmuration.contracts.content import Content
from murmuration.contracts.owner import Owner

LessonKind = Literal["fact", "decision", "preference"]
MemoryKind = Literal["fact", "decision", "preference", "outcome"]
"""An outcome is the answer to a goal; the others are drawn out of it."""
Share = Annotated[float, Field(ge=0, le=1)]


class RecallRequest(Contract):
    owner: Owner
    goal: str
    as_of: datetime | None = None
    """What was held true then; None: what is now."""


class Note(Contract):
    """Something that is remembered."""

    source: str
    """The run it comes from."""
    text: str
    kind: MemoryKind = "outcome"
    about: str = ""


class RecallResult(Contract):
    notes: tuple[Note, ...] = ()
    """Most worth first; few and short, so that they may travel in history."""


class ExtractionRequest(Contract):
    """What lessons are drawn from."""

    goal: str
    answer: Content
    notes: tuple[Note, ...] = ()
    """What is known already: a lesson about the same uses its words for what it is about."""
    session: str = ""


class Lesson(Contract):
    """One thing worth keeping."""

    kind: LessonKind
    about: str
    """What it is about, in a few words: of two lessons about the same, the newer holds."""
    text: str
    confidence: Share = 0.5
    importance: Share = 0.5


class ExtractionResult(Contract):
    lessons: tuple[Lesson, ...] = ()


class RememberRequest(Contract):
    """What is to be remembered of a run."""

    owner: Owner
    session: str = ""
    run: str
    at: datetime
    """When the run came to know it: a delivery that comes late changes nothing that is newer."""
    goal: str
    answer: Content
    sources: tuple[str, ...] = ()
    """The documents that the answer cites."""
    importance: Share = 0.5
    """The score that the evaluator gave the answer."""
    lessons: tuple[Lesson, ...] = ()


class RememberResult(Contract):
    written: int = 0
    """Memories that are new."""
    repeated: int = 0
    """Those that were known: they have been used once more."""
    superseded: int = 0
    """Older ones about the same, which are not recalled any more."""
    refused: tuple[str, ...] = ()
    """Why some were not remembered."""


class Turn(Contract):
    """One goal of a conversation and its answer."""

    session: str
    run: str
    at: datetime
    goal: str
    answer: Content


class TurnAppended(Contract):
    turns: int
    """Of the conversation so far."""
