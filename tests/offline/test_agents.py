"""The offline model acts every agent: its replies follow the agents' contracts, and the model service serves them."""

import json
from typing import Any

import openai
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loopback.serving import in_thread
from murmuration.agents.loader import load_agent
from murmuration.offline.skills import NAME, SKILLS
from tests.services_on_loopback import model_app

PASSAGES = [
    {
        "number": 1,
        "source": "tea.md",
        "heading": "Tea > Water",
        "text": "Green tea needs 80 degrees of water. It is old.",
    },
    {"number": 2, "source": "tea.md", "heading": "Tea > Time", "text": "Leaves steep for three minutes, not longer."},
    {"number": 3, "source": "log.md", "heading": "Log", "text": "The kettle was bought in March."},
]


def ask(agent: str, **question: Any) -> dict[str, Any]:
    """Return the agent's reply, checked against its contract."""
    reply = SKILLS[agent](question)
    load_agent(agent).contract.model_validate_json(json.dumps(reply))
    return reply


def test_the_model_service_replies_with_our_skills() -> None:
    agent = load_agent("executor")
    schema = agent.contract.model_json_schema()
    output: Any = {"type": "json_schema", "name": "executor", "strict": True, "schema": schema}
    question = {"instruction": "How hot is the water for green tea?", "passages": PASSAGES}

    with in_thread(model_app) as url, openai.OpenAI(base_url=f"{url}/v1/", api_key="any", timeout=10) as client:
        response = client.responses.create(
            model="any", instructions=agent.prompt, input=json.dumps(question), text={"format": output}
        )
        names = {model.id for model in client.models.list()}

    assert json.loads(response.output_text) == {"answer": "Green tea needs 80 degrees of water [1].", "missing": []}
    assert response.model == NAME
    assert NAME in names


def test_the_executor_answers_with_sentences_of_its_passages() -> None:
    reply = ask("executor", goal="tea", instruction="How hot is the water for green tea?", passages=PASSAGES)

    assert reply == {"answer": "Green tea needs 80 degrees of water [1].", "missing": []}


def test_the_executor_lists_questions_that_no_passage_answers() -> None:
    reply = ask("executor", instruction="Who won the cup?", passages=PASSAGES)

    assert reply["missing"] == ["Who won the cup?"]
    assert "[" not in reply["answer"]


@pytest.mark.parametrize(
    ("answer", "problems", "passed"),
    [
        ("Green tea needs 80 degrees of water [1].", [], True),
        ("Green tea needs 80 degrees of water [1].", ["cites [9]"], False),
        ("Green tea needs 80 degrees of water.", [], False),
        ("Rockets fly to distant planets tomorrow [2].", [], False),
        ("The passages do not answer: x", [], False),
        ("", [], False),
    ],
)
def test_the_evaluator_judges_by_coverage_and_citations(answer: str, problems: list[str], passed: bool) -> None:
    verdict = ask(
        "evaluator",
        instruction="How hot is the water for green tea, in degrees?",
        answer=answer,
        passages=PASSAGES,
        problems=problems,
    )

    assert verdict["passed"] is passed
    assert 0 <= verdict["score"] <= 1


def test_the_evaluator_claims_no_more_than_it_counted() -> None:
    instruction = "Which leaves need water of how many degrees, and who won the cup?"
    answer = "Green tea needs 80 degrees of water [1]."

    verdict = ask("evaluator", instruction=instruction, answer=answer, passages=PASSAGES)
    unasked = ask("evaluator", instruction="Who won the cup?", answer=answer, passages=PASSAGES)

    assert verdict["reasons"] == ["3 of the 4 words that question and passages share are in the answer"]
    assert unasked["reasons"] == ["0 of the 0 words that question and passages share are in the answer"]


def test_a_revision_covers_what_the_evaluator_missed() -> None:
    question = {"instruction": "What does green tea need?", "passages": PASSAGES}
    first = ask("executor", **question)["answer"]
    second = ask("executor", **question, previous=first, changes="cover: steep, minutes, longer")["answer"]

    assert "three minutes" not in first
    assert "three minutes" in second


@pytest.mark.parametrize(
    ("goal", "parts"),
    [
        ("How hot is tea?", ["How hot is tea?"]),
        ("How does tea steep, and what limits the time?", ["How does tea steep", "what limits the time?"]),
        ("How hot is tea? How hot is coffee?", ["How hot is tea?", "How hot is coffee?"]),
        ("Compare green tea and black tea.", ["green tea", "black tea"]),
        ("Do:\n- boil water\n- steep leaves", ["boil water", "steep leaves"]),
        ("Explain salt and pepper", ["Explain salt and pepper"]),
    ],
)
def test_the_planner_splits_a_goal_into_its_questions(goal: str, parts: list[str]) -> None:
    tasks = ask("planner", goal=goal, max_tasks=12)["tasks"]

    assert [task["instruction"] for task in tasks if task["type"] == "executor"] == parts
    assert [task["depends_on"] for task in tasks if task["type"] == "executor"] == [
        [task["id"]] for task in tasks if task["type"] == "retriever"
    ]


def test_the_planner_makes_a_later_part_depend_on_the_earlier_one() -> None:
    tasks = ask("planner", goal="Find the kettle, then describe how its lid opens", max_tasks=12)["tasks"]

    assert tasks[3]["depends_on"] == ["t3", "t2"]
    assert "kettle" in tasks[2]["instruction"], "a part that says its carries the goal along"


def test_the_writer_merges_answers_and_lists_failed_tasks() -> None:
    reply = ask(
        "writer",
        goal="tea",
        results=[
            {"task": "t2", "instruction": "a", "answer": "Hot [1]. Short [2]."},
            {"task": "t4", "instruction": "b", "answer": "Hot [1]. Old [1]."},
        ],
        failed=[{"task": "t6", "instruction": "who drinks it?", "reason": "model_refused"}],
        passages=PASSAGES,
    )

    assert reply["answer"] == "Hot [1]. Short [2].\n\nOld [1].\n\nNot answered: who drinks it? (model_refused)."
    assert reply["missing"] == ["who drinks it?"]


words = st.text(max_size=80)
anything: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=8,
)
passage = st.fixed_dictionaries({"number": st.integers(1, 9), "source": words, "heading": words, "text": words})


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(sorted(SKILLS)),
    st.fixed_dictionaries(
        {},
        optional={
            "goal": words,
            "instruction": words,
            "answer": words,
            "passages": st.lists(passage, max_size=4),
            "problems": st.lists(words, max_size=2),
            "changes": words,
            "known": anything,
            "conversation": anything | st.fixed_dictionaries({"turns": anything}),
            "summary": words,
            "turns": anything,
        },
    ),
)
def test_every_skill_keeps_its_agents_contract_and_repeats_itself(agent: str, question: dict[str, Any]) -> None:
    assert ask(agent, **question) == ask(agent, **question)
