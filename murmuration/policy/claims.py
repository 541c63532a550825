"""Decides what a run may leave in memory: its outcome and its lessons, without secrets and orders to models."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import get_args

from murmuration.contracts.memories import Lesson, LessonKind, MemoryKind, RememberRequest
from murmuration.contracts.replies import LessonReply
from murmuration.policy.memories import subject_key, unsafe_reason

MAX_OUTCOME_CHARACTERS = 4_000
MAX_LESSONS = 8
MAX_ABOUT_CHARACTERS = 120
MAX_TEXT_CHARACTERS = 500
MIN_CONFIDENCE = 0.3


@dataclass(frozen=True)
class Claim:
    """A statement to remember."""

    kind: MemoryKind
    about: str
    text: str
    confidence: float
    importance: float

    @property
    def subject(self) -> str:
        return subject_key(self.kind, self.about)


def lessons_from(replies: Iterable[LessonReply]) -> tuple[Lesson, ...]:
    """Return at most `MAX_LESSONS` usable lessons; of several about the same, the last."""
    lessons = {lesson.about.casefold(): lesson for lesson in map(_lesson, replies) if lesson is not None}
    return tuple(lessons.values())[:MAX_LESSONS]


def claims_of(request: RememberRequest, answer: str) -> tuple[list[Claim], tuple[str, ...]]:
    """Return one claim for each subject, and the reasons why others are refused. `answer` has no markers."""
    outcome = Claim("outcome", request.goal, answer[:MAX_OUTCOME_CHARACTERS], 1.0, request.importance)
    lessons = [
        Claim(lesson.kind, lesson.about, lesson.text, lesson.confidence, lesson.importance)
        for lesson in request.lessons
    ]
    claims, refused = {}, []
    for claim in (outcome, *lessons):
        problem = unsafe_reason(f"{claim.about}\n{claim.text}")
        if problem is None:
            claims[claim.subject] = claim
        else:
            refused.append(f"{claim.kind}: {problem}")
    return list(claims.values()), tuple(refused)


def _lesson(reply: LessonReply) -> Lesson | None:
    """Return the lesson; None for an unknown kind, an empty text, or too little confidence."""
    about, text = reply.about.strip(), reply.text.strip()
    confident = reply.confidence >= MIN_CONFIDENCE  # a NaN is not
    if reply.kind not in get_args(LessonKind) or not about or not text or not confident:
        return None
    return Lesson.model_validate(
        {
            "kind": reply.kind,
            "about": about[:MAX_ABOUT_CHARACTERS],
            "text": text[:MAX_TEXT_CHARACTERS],
            "confidence": min(1.0, reply.confidence),
            "importance": min(1.0, max(0.0, reply.importance)),
        }
    )
