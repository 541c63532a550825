"""Draws what is worth keeping out of a goal and its answer: facts, decisions, preferences."""

from typing import get_args

from murmuration.contracts.memories import ExtractionRequest, ExtractionResult, Lesson, LessonKind
from murmuration.contracts.replies import LessonReply, LessonsReply
from murmuration.policy.citations import renumber
from murmuration.services.model.model import Model
from murmuration.services.storage.artifacts import Artifacts, get_text
from murmuration.services.storage.prompt_inputs import conversation
from murmuration.services.storage.sessions import Sessions

MAX_LESSONS = 8
ABOUT_CHARACTERS = 120
TEXT_CHARACTERS = 500
LEAST_CONFIDENCE = 0.3


async def extract_lessons(
    extraction: ExtractionRequest, model: Model, artifacts: Artifacts, sessions: Sessions
) -> ExtractionResult:
    """Safe to run twice: it only asks, and what it returned first is what history keeps."""
    reply = await model.ask(
        "archivist",
        {
            "goal": extraction.goal,
            "answer": renumber(await get_text(artifacts, extraction.answer), {}),
            "conversation": await conversation(sessions, extraction.session),
            "known": [{"kind": note.kind, "about": note.about, "text": note.text} for note in extraction.notes],
            "most": MAX_LESSONS,
        },
        LessonsReply,
    )
    lessons = {each.about.casefold(): each for each in map(_lesson, reply.lessons) if each is not None}
    return ExtractionResult(lessons=tuple(lessons.values())[:MAX_LESSONS])


def _lesson(reply: LessonReply) -> Lesson | None:
    """None when there is nothing in it to keep."""
    about, text = reply.about.strip(), reply.text.strip()
    if reply.kind not in get_args(LessonKind) or not about or not text or reply.confidence < LEAST_CONFIDENCE:
        return None
    return Lesson.model_validate(
        {
            "kind": reply.kind,
            "about": about[:ABOUT_CHARACTERS],
            "text": text[:TEXT_CHARACTERS],
            "confidence": min(1.0, reply.confidence),
            "importance": min(1.0, max(0.0, reply.importance)),
        }
    )
