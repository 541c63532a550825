"""A run on the screen: live on a terminal, as lines elsewhere."""

import time
from io import StringIO
from typing import Any

from rich.console import Console

from murmuration.cli.screen import plain_lines, run_view, show_outcome

STATE: dict[str, Any] = {
    "stage": "working",
    "usage": {"model_calls": 3, "tokens": 1234},
    "tasks": [
        {"id": "t1", "type": "retriever", "title": "find [tea]", "state": "done", "revisions": 0},
        {"id": "t2", "type": "executor", "title": "answer", "state": "revising", "revisions": 2},
    ],
}
OUTCOME: dict[str, Any] = {
    "status": "completed",
    "answer": "Tea is hot [1].",
    "citations": [{"number": 1, "source": "tea.md", "title": "Tea", "quote": "Tea is hot."}],
    "verdict": {"passed": True, "score": 0.9, "reasons": ["covers all"]},
    "usage": {"model_calls": 5, "input_tokens": 1000, "output_tokens": 50, "embedding_tokens": 7},
    "cost": {"micro_dollars": 12_300, "by_agent": {"writer": 12_300}, "prices_of": "2026-11-21"},
    "prompts": {"writer": "1"},
    "models": ["offline"],
    "degraded": ["keyword_search"],
    "missing": ["who drinks it?"],
    "error": None,
}


def rendered(thing: Any) -> str:
    console = Console(file=StringIO(), width=100, force_terminal=False)
    console.print(thing)
    return str(console.file.getvalue())  # type: ignore[attr-defined]


def test_a_run_shows_each_task_tokens_and_time() -> None:
    text = rendered(run_view(STATE, time.monotonic() - 2))

    assert "working · 3 model calls · 1,234 tokens · 2.0 s" in text
    assert "find [tea]" in text, "text that looks like markup stays text"
    assert "revising" in text
    assert "revised 2×" in text


def test_without_a_terminal_only_changes_are_printed() -> None:
    first = plain_lines(STATE, None)
    assert first[0] == "stage: working"
    assert "t2 executor: revising (revised 2x)  answer" in first[2]
    assert plain_lines(STATE, STATE) == []


def test_an_outcome_shows_everything_it_holds() -> None:
    console = Console(file=StringIO(), width=120)
    show_outcome(console, "How hot?", OUTCOME, 1.5)
    text = console.file.getvalue()  # type: ignore[attr-defined]

    for part in ("Tea is hot [1].", "[1] tea.md", "“Tea is hot.”", "passed, score 0.9: covers all", "5 model calls",
                 "0.0123 USD", "1,000 in", "writer v1", "keyword_search", "who drinks it?"):  # fmt: skip
        assert part in text


def test_a_goal_too_long_for_its_line_ends_with_an_ellipsis() -> None:
    console = Console(file=StringIO(), width=40)
    show_outcome(console, "How hot is the water for tea, and who drinks it?", OUTCOME, 1.5)

    assert "…─╮" in console.file.getvalue()  # type: ignore[attr-defined]


def test_a_failed_run_shows_its_error() -> None:
    console = Console(file=StringIO(), width=120)
    error = {"code": "budget_exceeded", "message": "3 of 3 model calls are used"}
    show_outcome(console, "How hot?", {**OUTCOME, "answer": "", "citations": [], "verdict": None, "error": error}, 1)

    assert "budget_exceeded: 3 of 3 model calls" in console.file.getvalue()  # type: ignore[attr-defined]
