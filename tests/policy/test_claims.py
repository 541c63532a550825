"""Lessons are checked and cut; claims are one a subject, and unsafe ones are refused with the reason."""

from datetime import UTC, datetime
from typing import Any

import pytest

from murmuration.contracts.content import Content
from murmuration.contracts.memories import Lesson, RememberRequest
from murmuration.contracts.owner import Owner
from murmuration.contracts.replies import LessonReply
from murmuration.policy.claims import (
    MAX_OUTCOME_CHARACTERS,
    MIN_CONFIDENCE,
    Claim,
    claims_of,
    lessons_from,
)

SECRET = "password = hunter2hunter2"  # noqa: S105 - the test's own


def reply(**changes: Any) -> LessonReply:
    fields = {"kind": "fact", "about": "tea", "text": "Tea is hot.", "confidence": 0.8, "importance": 0.4}
    return LessonReply.model_validate({**fields, **changes})


def request(*lessons: Lesson) -> RememberRequest:
    return RememberRequest(
        owner=Owner(tenant="acme"),
        run="run",
        at=datetime(2026, 1, 1, tzinfo=UTC),
        goal="How hot is tea?",
        answer=Content(text=""),
        importance=0.9,
        lessons=lessons,
    )


def test_a_lesson_keeps_what_the_model_replied() -> None:
    lesson = Lesson(kind="fact", about="tea", text="Tea is hot.", confidence=0.8, importance=0.4)

    assert lessons_from([reply(about=" tea ", text=" Tea is hot. ")]) == (lesson,)


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "rumour"},
        {"about": " "},
        {"text": " "},
        {"confidence": MIN_CONFIDENCE - 0.01},
        {"confidence": float("nan")},
    ],
)
def test_an_unusable_lesson_is_left_out(change: dict[str, Any]) -> None:
    assert lessons_from([reply(**change)]) == ()


def test_numbers_of_a_lesson_are_kept_within_their_bounds() -> None:
    low, high = lessons_from(
        [
            reply(about="low", confidence=MIN_CONFIDENCE, importance=-3),
            reply(about="high", confidence=7, importance=7),
        ]
    )

    assert (low.confidence, low.importance) == (MIN_CONFIDENCE, 0)
    assert (high.confidence, high.importance) == (1, 1)


def test_a_long_lesson_is_cut() -> None:
    (lesson,) = lessons_from([reply(about="a" * 1_000, text="t" * 1_000)])

    assert (len(lesson.about), len(lesson.text)) == (120, 500)


def test_the_last_lesson_on_a_subject_counts_and_their_number_is_limited() -> None:
    same = lessons_from([reply(about="Tea", text="Tea is cold."), reply(about="tea", text="Tea is hot.")])
    many = lessons_from(reply(about=f"subject {number}") for number in range(11))

    assert [lesson.text for lesson in same] == ["Tea is hot."]
    assert [lesson.about for lesson in many] == [f"subject {number}" for number in range(8)]


def test_a_runs_answer_is_its_first_claim_and_is_cut() -> None:
    claims, refused = claims_of(request(*lessons_from([reply()])), "80 degrees." * MAX_OUTCOME_CHARACTERS)

    assert claims[0] == Claim("outcome", "How hot is tea?", ("80 degrees." * 4_000)[:MAX_OUTCOME_CHARACTERS], 1.0, 0.9)
    assert claims[1:] == [Claim("fact", "tea", "Tea is hot.", 0.8, 0.4)]
    assert refused == ()


def test_the_last_claim_on_a_subject_counts() -> None:
    lessons = lessons_from([reply(about="heat of tea", text="old"), reply(about="tea heat", text="new")])

    claims, _ = claims_of(request(*lessons), "80 degrees.")

    assert [claim.text for claim in claims] == ["80 degrees.", "new"]


@pytest.mark.parametrize("field", ["about", "text"])
def test_a_claim_with_a_secret_is_refused_with_the_reason_and_the_others_stay(field: str) -> None:
    claims, refused = claims_of(request(*lessons_from([reply(**{field: SECRET})])), "80 degrees.")

    assert [claim.kind for claim in claims] == ["outcome"]
    assert len(refused) == 1
    assert refused[0].startswith("fact: ")
    assert "secret" in refused[0]


def test_the_limits_of_a_claim_are_kept_to_the_character() -> None:
    (lesson,) = lessons_from([reply(about="a" * 121, text="b" * 501)])
    (outcome,), _ = claims_of(request(), "c" * 4_001)

    assert (len(lesson.about), len(lesson.text), len(outcome.text)) == (120, 500, 4_000)
