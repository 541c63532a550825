"""Plans, lessons, summaries and answers of the offline model."""

import bisect
import inspect
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from murmuration.offline.extraction import execute
from murmuration.offline.lessons import MAX_ANSWER_SHARE, learn
from murmuration.offline.planning import plan
from murmuration.offline.prose import prose
from murmuration.offline.summaries import MAX_WORDS, shorten, summary

GREEN = "How long does green tea steep?"
HOT = "How hot is the water for green tea?"
LETTERS = "How long are letters kept?"


def instructions(goal: str, *before: str) -> list[str]:
    """Return the instructions of the plan for a goal, after other goals of the same conversation."""
    turns = [{"goal": earlier, "answer": "It is so."} for earlier in before]
    tasks = plan({"goal": goal, "conversation": {"summary": "", "turns": turns}, "max_tasks": 12})["tasks"]
    return [task["instruction"] for task in tasks if task["type"] == "executor"]


@pytest.mark.parametrize(
    ("before", "goal", "meant"),
    [
        ([GREEN], "And black tea?", "How long does black tea steep?"),
        ([GREEN], "And how long for black tea?", "How long does black tea steep?"),
        ([GREEN, "And black tea?"], "And white tea?", "How long does white tea steep?"),
        ([GREEN, "And black tea?"], "How hot is it?", "How hot is black tea?"),
        ([LETTERS], "What about maps?", "How long are maps kept?"),
        ([HOT], "And how long does it steep?", "how long does green tea steep?"),
        ([HOT], "And how long for black tea?", f"how long for black tea: {HOT}"),
        ([GREEN], "How hot is its water?", "How hot is green tea's water?"),
        ([LETTERS], "Why?", f"Why: {LETTERS}"),
        ([f"We keep backups. {LETTERS}"], "And maps?", "How long are maps kept?"),
        (["How do I compress data with zlib?"], "And with bz2?", "How do I compress data with bz2?"),
        (["Explain the old kettle."], "Who sells it?", "Who sells old kettle?"),
    ],
)
def test_a_goal_that_points_back_is_rewritten_to_stand_alone(before: list[str], goal: str, meant: str) -> None:
    turns = [{"goal": earlier, "answer": "It is so."} for earlier in before]

    search, answer = plan({"goal": goal, "conversation": {"summary": "", "turns": turns}})["tasks"]

    assert answer["instruction"] == meant
    assert search["instruction"].startswith(meant)


@pytest.mark.parametrize(
    "goal",
    [
        "Who wrote the maps?",
        "What is Murmuration?",
        "Is it safe to rename a file?",
        "Compare green tea with coffee",
        "How long does the kettle take, and how is it cleaned?",
    ],
)
def test_a_goal_that_stands_alone_stays_as_it_is(goal: str) -> None:
    assert instructions(goal, LETTERS) == instructions(goal)


def test_without_a_conversation_a_goal_stays_as_it_is() -> None:
    assert instructions("And black tea?") == ["And black tea?"]
    assert instructions("And black tea?", "", " ") == ["And black tea?"]


@given(st.lists(st.text(max_size=60), max_size=5), st.text(min_size=1, max_size=60))
def test_any_conversation_is_planned(before: list[str], goal: str) -> None:
    assert instructions(goal, *before) == instructions(goal, *before)
    assert all(instructions(goal, *before))


def lessons(goal: str, answer: str = "", known: str = "", most: int = 8) -> list[tuple[str, str, str]]:
    notes = [{"kind": "fact", "about": known, "text": "x"}] if known else []
    learned: list[dict[str, Any]] = learn({"goal": goal, "answer": answer, "known": notes, "most": most})["lessons"]
    return [(lesson["kind"], lesson["about"], lesson["text"]) for lesson in learned]


@pytest.mark.parametrize(
    ("goal", "kind", "about", "text"),
    [
        ("We decided to keep backups for 30 days. Why?", "decision", "how to keep backups",
         "We decided to keep backups for 30 days."),
        ("We agreed that letters are kept for a year.", "decision", "letters kept",
         "We agreed that letters are kept for a year."),
        ("We have settled on a retention of two years.", "decision", "kind of retention",
         "We have settled on a retention of two years."),
        ("I prefer short answers. How hot is tea?", "preference", "kind of answers", "I prefer short answers."),
        ("Please always answer in German!", "preference", "how to answer", "Please always answer in German."),
        ("From now on, use metric units.", "preference", "how to use metric units", "From now on, use metric units."),
        ("Our archive is in Bonn.", "fact", "archive", "Our archive is in Bonn."),
        ("Remember that the gate opens at nine.", "fact", "gate opens", "The gate opens at nine."),
    ],
)  # fmt: skip
def test_a_decision_preference_or_fact_of_a_person_is_a_lesson(goal: str, kind: str, about: str, text: str) -> None:
    assert lessons(goal) == [(kind, about, text)]


def test_a_statement_of_an_answer_is_a_fact() -> None:
    assert lessons("?", "Letters are kept for two years [1]. The kettle needs descaling [2].") == [
        ("fact", "Letters kept", "Letters are kept for two years."),
        ("fact", "kettle needs", "The kettle needs descaling."),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "It is kept for two years.",
        "What is kept for two years?",
        "There is a lid.",
        "If the lid is open, tea is cold.",
        "The value that is cold is old.",
        "`os.replace()` is atomic.",
        "x = [1, 2] is a list.",
        "The kettle is " + "very " * 80 + "old.",
        "The passages do not answer: How hot is tea?",
        "Not answered: How hot is tea? (model_refused).",
        "Explain why we decided to keep backups.",
        "Have we decided to keep backups?",
        "Das ist der Kessel.",
        "",
    ],
)
def test_a_sentence_that_does_not_stand_alone_is_no_lesson(text: str) -> None:
    assert lessons(text, text) == []


def test_lessons_are_few() -> None:
    answer = " ".join(f"Kettle {name} is old [1]." for name in ("one", "two", "three", "four", "five"))

    assert len(lessons("?", answer)) == MAX_ANSWER_SHARE
    assert len(lessons("?", answer, most=1)) == 1
    assert lessons("?", "Green tea is hot [1]. The green tea is cold [2].") == [
        ("fact", "Green tea", "Green tea is hot.")
    ]


def test_a_lesson_on_a_known_subject_takes_its_wording() -> None:
    assert lessons("We decided to keep backups for 60 days.", known="keeping of backups")[0][1] == "keeping of backups"
    assert lessons("We decided to keep letters for 60 days.", known="keeping of backups")[0][1] == "how to keep letters"


def test_a_summary_has_the_questions_and_the_first_sentence_of_each_answer() -> None:
    turns = [{"goal": LETTERS, "answer": "For two years [1]. In boxes [2]."}, {"goal": "And maps?", "answer": ""}]

    assert shorten({"summary": "Green tea was asked for.", "turns": turns}) == {
        "summary": f"Green tea was asked for. {LETTERS} For two years. And maps?"
    }


def test_a_summary_stays_short_and_keeps_the_latest() -> None:
    summary = ""
    for number in range(30):
        turns = [{"goal": f"How old is kettle {number}? " + "word " * 300, "answer": f"It is {number} years old."}]
        summary = shorten({"summary": summary, "turns": turns})["summary"]

    assert len(summary.split()) <= MAX_WORDS
    assert "It is 29 years old." in summary
    assert "It is 2 years old." not in summary


def test_a_docstring_answers_a_question_about_its_function() -> None:
    source = "".join(f"    {line}\n" for line in inspect.getsource(bisect).splitlines())
    passage = {"number": 1, "source": "lib/bisect.py", "heading": "bisect > bisect_left", "text": source}

    reply = execute({"instruction": "What does bisect_left return?", "passages": [passage]})

    assert reply["missing"] == []
    assert "Return the index where to insert item x in list a, assuming a is sorted [1]." in reply["answer"]


@pytest.mark.parametrize(
    ("source", "text", "expected"),
    [
        ("a.py", '    def f():\n        """Says this.\n\n        And that.\n        """\n        return 1\n',
         "Says this.\n\nAnd that."),
        ("a.py", "    x = 1\n    # First line,\n    # second line.\n    y = 2", "First line,\nsecond line."),
        ("a.ts", "    /**\n     * Says this.\n     */\n    // And that.\n    f();", "Says this.\n\nAnd that."),
        ("a.rs", "    /// Says this.\n    fn f() {}", "Says this."),
        ("a.sql", "    -- Says this.\n    select 1;", "Says this."),
        ("a.sh", "    # Says this.\n    ls", "Says this."),
        ("a.md", "# Head\n\n    code", "# Head\n\n    code"),
    ],
)  # fmt: skip
def test_prose_of_source_code_is_its_comments_and_docstrings(source: str, text: str, expected: str) -> None:
    assert prose(text, source) == expected


def test_a_pronoun_refers_to_the_sentence_before() -> None:
    text = (
        "Green tea needs water of 80 degrees. It steeps for three minutes.\n\n"
        "Black tea needs boiling water. It steeps for five minutes."
    )
    passages = [{"number": 1, "source": "tea.md", "heading": "", "text": text}]

    for tea, minutes, other in (("green", "three", "five"), ("black", "five", "three")):
        answer = execute({"instruction": f"How long does {tea} tea steep?", "passages": passages})["answer"]
        assert f"{minutes} minutes" in answer
        assert f"{other} minutes" not in answer


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("Tea is hot.", "Tea is hot."),
        ({"instruction": "Say hello.", "input": None, "earlier": [], "passages": []}, "Say hello."),
        ({"instruction": "Shorten it.", "input": "Tea is hot."}, "Tea is hot."),
        ({"instruction": "Announce it.", "input": {"what": "We move.", "when": "Soon.", "desks": 3}}, "We move. Soon."),
        ({"instruction": "Translate it.", "earlier": [{"answer": "Tea is hot [1]."}]}, "Tea is hot [1]."),
        ({"instruction": "Title it.", "passages": [{"text": "Tea is green."}]}, "Tea is green."),
        ({"instruction": " "}, '{"instruction": " "}'),
        ([1, 2], "[1, 2]"),
        ("x" * 1_000, "x" * 300),
    ],
)
def test_a_message_without_a_skill_is_summed_up_from_its_material(message: Any, expected: str) -> None:
    assert summary(message if isinstance(message, str) else json.dumps(message)) == expected
