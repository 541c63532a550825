"""Memories and conversations: how runs recall, learn and remember."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from murmuration.contracts.base import Contract
from murmuration.contracts.content import Content
from murmuration.contracts.owner import Owner

LessonKind = Literal["fact", "decision", "preference"]
MemoryKind = Literal["fact", "decision", "preference", "outcome"]
"""An `outcome` is the answer to a goal; the others are lessons drawn from one."""
Share = Annotated[float, Field(ge=0, le=1)]


class RecallRequest(Contract):
    """The input of `recall_memory`."""

    owner: Owner
    goal: str
    as_of: datetime | None = None
    """Recall what was held true at this time; None: now."""


class Note(Contract):
    """A memory, as the planner reads it."""

    source: str
    """The run from which it comes."""
    text: str
    kind: MemoryKind = "outcome"
    about: str = ""
    """Its subject, in a few words."""


class RecallResult(Contract):
    """The result of `recall_memory`."""

    notes: tuple[Note, ...] = ()
    """The best first; few and short, so that they may travel in history."""


class ExtractionRequest(Contract):
    """The input of `extract_lessons`."""

    goal: str
    answer: Content
    notes: tuple[Note, ...] = ()
    """Memories that the run has recalled: a lesson on the same subject uses their words for it."""
    session: str = ""
    """The key of the conversation that the goal is part of."""


class Lesson(Contract):
    """One thing that later runs should know."""

    kind: LessonKind
    about: str
    """Its subject, in a few words: of two lessons on one subject, the newer holds."""
    text: str
    confidence: Share = 0.5
    importance: Share = 0.5


class ExtractionResult(Contract):
    """The result of `extract_lessons`."""

    lessons: tuple[Lesson, ...] = ()


class RememberRequest(Contract):
    """The input of `remember_result`."""

    owner: Owner
    session: str = ""
    run: str
    at: datetime
    """The time at which the run learned it: a delivery that comes late changes nothing newer."""
    goal: str
    answer: Content
    sources: tuple[str, ...] = ()
    """The documents that the answer cites."""
    importance: Share = 0.5
    """The evaluator's score of the answer."""
    lessons: tuple[Lesson, ...] = ()


class RememberResult(Contract):
    """The result of `remember_result`."""

    written: int = 0
    """New memories."""
    repeated: int = 0
    """Memories that were known already: they count as used once more."""
    superseded: int = 0
    """Older memories on the same subject, which are not recalled any more."""
    refused: tuple[str, ...] = ()
    """The reasons why some were not written."""


class Turn(Contract):
    """The input of `append_turn`: one goal of a conversation, and its answer."""

    session: str
    run: str
    at: datetime
    goal: str
    answer: Content


class TurnAppended(Contract):
    """The result of `append_turn`."""

    turns: int
    """How many turns the conversation has now."""
