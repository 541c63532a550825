"""The last fallback answers every agent but the evaluator, in the agent's own contract."""

from typing import Any

import pytest

from murmuration.agents.loader import all_agents
from murmuration.contracts.replies import DraftReply, PlanReply, SummaryReply
from murmuration.policy.plan_rules import checked_plan
from murmuration.services.model.extractive import extractive_reply

PASSAGES = [
    {"number": 1, "source": "a", "heading": "", "text": "The archive is large. It is kept for ten years [3]."},
    {"number": 2, "source": "b", "heading": "", "text": "Nothing here.\n\nThe archive is kept in Bern."},
]
QUESTIONS: dict[str, dict[str, Any]] = {
    "planner": {"goal": "How long is the archive kept?", "max_tasks": 12},
    "executor": {"goal": "g", "instruction": "How long is the archive kept?", "passages": PASSAGES},
    "expert": {"goal": "g", "instruction": "How long is the archive kept?", "passages": PASSAGES},
    "writer": {"goal": "g", "results": [{"task": "t2", "instruction": "i", "answer": "Ten years [1]."}], "failed": []},
    "archivist": {"goal": "g", "answer": "a"},
    "summarizer": {"summary": "Before.", "turns": [{"goal": "g", "answer": "word " * 1_000}]},
}


def reply(agent: str, **changes: Any) -> str:
    text = extractive_reply(agent, {**QUESTIONS[agent], **changes})
    assert text is not None
    return text


@pytest.mark.parametrize(
    "agent", [agent for agent in all_agents() if agent.name in QUESTIONS], ids=lambda agent: agent.name
)
def test_a_reply_follows_the_agents_contract_and_is_always_the_same(agent: Any) -> None:
    agent.contract.model_validate_json(reply(agent.name))

    assert reply(agent.name) == reply(agent.name)


def test_every_agent_with_a_step_of_its_own_but_the_evaluator_has_an_answer() -> None:
    own = {agent.name for agent in all_agents() if not agent.in_plans}

    assert own - QUESTIONS.keys() == {"evaluator"}
    assert extractive_reply("evaluator", {}) is None


def test_sentences_are_quoted_with_the_number_of_their_passage_and_without_markers_of_their_own() -> None:
    draft = DraftReply.model_validate_json(reply("executor"))

    assert (
        draft.answer == "The archive is large [1]. It is kept for ten years (3) [1]. The archive is kept in Bern [2]."
    )
    assert draft.missing == []


def test_a_word_matches_another_form_of_it() -> None:
    passages = [{"number": 1, "source": "a", "heading": "", "text": "Tea is green. It steeps for three minutes."}]

    draft = DraftReply.model_validate_json(reply("executor", instruction="How long to steep?", passages=passages))

    assert draft.answer == "It steeps for three minutes [1]."


def test_an_instruction_that_no_passage_answers_is_missing() -> None:
    draft = DraftReply.model_validate_json(reply("executor", instruction="Who won?"))

    assert draft.missing == ["Who won?"]
    assert "[" not in draft.answer


def test_results_are_joined_and_failed_tasks_are_missing() -> None:
    failed = [{"task": "t4", "instruction": "And the cost?", "reason": "x"}]

    draft = DraftReply.model_validate_json(reply("writer", failed=failed))

    assert draft.answer == "Ten years [1]."
    assert draft.missing == ["And the cost?"]


def test_the_plan_follows_the_rules_however_long_the_goal_is() -> None:
    plan = checked_plan(PlanReply.model_validate_json(reply("planner", goal="why " * 2_000)))

    assert [task.type for task in plan.tasks] == ["retriever", "executor"]


def test_a_summary_stays_short() -> None:
    assert len(SummaryReply.model_validate_json(reply("summarizer")).summary) < 1_300
