"""People who approve read everything that matters: of a plan how each task is done, of an answer what it rests on."""

from typing import Any

import pytest

from murmuration.contracts.answers import Answer, Citation, Verdict
from murmuration.contracts.content import Content
from murmuration.contracts.plans import Plan, Task
from murmuration.policy.answer_text import answer_context
from murmuration.policy.plan_text import plan_text

ANSWER = Answer(
    answer=Content(text="Tea is hot [1]."),
    missing=("how hot?", "since when?"),
    citations=(
        Citation(number=1, source="tea.md", title="Tea", quote="Tea is hot."),
        Citation(number=2, source="pot.md", title="Pots", quote="Pots are round."),
    ),
)


def task_lines(**fields: Any) -> list[str]:
    task = Task.model_validate({"id": "t2", "type": "executor", "instruction": "how hot?", **fields})
    goal, paragraph = plan_text("make tea", Plan(tasks=(task,))).split("\n\n")
    assert goal == "Goal: make tea"
    return paragraph.split("\n")


def test_each_task_has_a_paragraph_that_names_its_agent() -> None:
    tasks = (
        Task(id="t1", type="retriever", instruction="find tea"),
        Task(id="t2", type="executor", instruction="how hot?", agent="expert"),
        Task(id="t3", type="agent", instruction="translate it", agent="translator"),
    )

    assert plan_text("make tea", Plan(tasks=tasks)) == (
        "Goal: make tea\n\nt1 (retriever): find tea\n\nt2 (expert): how hot?\n\nt3 (translator): translate it"
    )


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"depends_on": ("t1", "t0")}, "  after t1, t0"),
        ({"queries": ("warm tea", "tea heat")}, "  also searched for: warm tea; tea heat"),
        ({"for_each": "t1"}, "  for each item of t1"),
        (
            {"when": {"task": "t1", "field": "state", "op": "eq", "value": "done"}},
            "  only if t1.state eq 'done'",
        ),
        ({"timeout_seconds": 60}, "  within 60 s"),
        ({"on_failure": "fail_run"}, "  if it fails, the run fails"),
        ({"on_failure": "fallback", "fallback": {"agent": "expert"}}, "  if it fails: expert"),
        ({"on_failure": "fallback", "fallback": {"answer": "ask me"}}, "  if it fails: 'ask me'"),
    ],
)
def test_whatever_decides_how_a_task_is_done_is_a_line(fields: dict[str, Any], line: str) -> None:
    assert task_lines(**fields) == ["t2 (executor): how hot?", line]


def test_a_plain_task_is_one_line() -> None:
    assert task_lines() == ["t2 (executor): how hot?"]


def test_an_answer_comes_with_goal_evaluation_gaps_and_sources() -> None:
    verdict = Verdict(passed=False, score=0.456, reasons=("thin", "old"))

    assert answer_context("make tea", ANSWER, verdict).split("\n") == [
        "Goal: make tea",
        "",
        "Evaluation: not passed, score 0.46 (thin; old)",
        "Not answered: how hot?",
        "Not answered: since when?",
        "[1] tea.md, Tea: “Tea is hot.”",
        "[2] pot.md, Pots: “Pots are round.”",
    ]


def test_an_evaluation_without_reasons_or_none_at_all_says_so() -> None:
    bare = Answer(answer=Content(text="x"))

    assert answer_context("g", bare, Verdict(passed=True, score=1)).split("\n")[2:] == [
        "Evaluation: passed, score 1.00 (nothing more)"
    ]
    assert answer_context("g", bare, None).split("\n")[2:] == ["It was not evaluated."]
