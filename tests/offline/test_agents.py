"""The service through the real openai SDK: replies, embeddings, and every fault on order."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.request import Request, urlopen

import openai
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loopback.model import embeddings
from loopback.model.skills import load_skills
from loopback.serving import in_thread
from murmuration.agents.loader import load_agent
from murmuration.cli.cloud import model_app
from murmuration.offline import skills as offline

OFFLINE = load_skills(offline.__name__)
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


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with in_thread(model_app) as found:
        yield found


@pytest.fixture
def client(url: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{url}/openai/v1/", api_key="any", max_retries=0, timeout=10) as found:
        yield found
    control(url, "DELETE", "script")


def control(url: str, method: str, what: str, body: Any = None) -> Any:
    text = json.dumps(body).encode() if body is not None else None
    request = Request(f"{url}/control/{what}", data=text, method=method)  # noqa: S310
    with urlopen(request, timeout=10) as answer:  # noqa: S310
        return json.loads(answer.read() or b"null")


def ask(client: openai.OpenAI, agent: str, question: Any) -> Any:
    asked = load_agent(agent)
    form: Any = {"type": "json_schema", "name": agent, "strict": True, "schema": asked.contract.model_json_schema()}
    return client.responses.create(
        model="any", instructions=asked.prompt, input=json.dumps(question), text={"format": form}, store=False
    )


def test_the_executor_answers_with_sentences_it_was_given(client: openai.OpenAI) -> None:
    question = {"goal": "tea", "instruction": "How hot is the water for green tea?", "passages": PASSAGES}

    response = ask(client, "executor", question)

    reply = json.loads(response.output_text)
    assert reply == {"answer": "Green tea needs 80 degrees of water [1].", "missing": []}
    assert response.model == offline.NAME
    assert response.usage.input_tokens > 100
    assert 10 < response.usage.output_tokens < 40


def test_what_the_passages_do_not_say_is_missing(client: openai.OpenAI) -> None:
    reply = json.loads(ask(client, "executor", {"instruction": "Who won the cup?", "passages": PASSAGES}).output_text)

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
def test_the_evaluator_judges_by_coverage_and_citations(
    client: openai.OpenAI, answer: str, problems: list[str], passed: bool
) -> None:
    question = {
        "instruction": "How hot is the water for green tea, in degrees?",
        "answer": answer,
        "passages": PASSAGES,
        "problems": problems,
    }

    verdict = json.loads(ask(client, "evaluator", question).output_text)

    assert verdict["passed"] is passed
    assert 0 <= verdict["score"] <= 1


def test_a_revision_covers_what_the_evaluator_missed(client: openai.OpenAI) -> None:
    question = {"instruction": "What does green tea need?", "passages": PASSAGES}
    first = json.loads(ask(client, "executor", question).output_text)["answer"]
    second = json.loads(
        ask(client, "executor", {**question, "previous": first, "changes": "cover: steep, minutes, longer"}).output_text
    )["answer"]

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
def test_the_planner_splits_a_goal_into_its_questions(client: openai.OpenAI, goal: str, parts: list[str]) -> None:
    plan = json.loads(ask(client, "planner", {"goal": goal, "max_tasks": 12}).output_text)["tasks"]

    assert [task["instruction"] for task in plan if task["type"] == "executor"] == parts
    assert [task["depends_on"] for task in plan if task["type"] == "executor"] == [
        [task["id"]] for task in plan if task["type"] == "retriever"
    ]


def test_what_comes_then_depends_on_what_came_before(client: openai.OpenAI) -> None:
    plan = json.loads(
        ask(
            client, "planner", {"goal": "Find the kettle, then describe how its lid opens", "max_tasks": 12}
        ).output_text
    )

    assert plan["tasks"][3]["depends_on"] == ["t3", "t2"]
    assert "kettle" in plan["tasks"][2]["instruction"], "a part that says its takes the goal along"


def test_the_writer_merges_and_says_what_is_missing(client: openai.OpenAI) -> None:
    question = {
        "goal": "tea",
        "results": [{"task": "t2", "instruction": "a", "answer": "Hot [1]. Short [2]."},
                    {"task": "t4", "instruction": "b", "answer": "Hot [1]. Old [1]."}],
        "failed": [{"task": "t6", "instruction": "who drinks it?", "reason": "model_refused"}],
        "passages": PASSAGES,
    }  # fmt: skip

    reply = json.loads(ask(client, "writer", question).output_text)

    assert reply["answer"] == "Hot [1]. Short [2].\n\nOld [1].\n\nNot answered: who drinks it? (model_refused)."
    assert reply["missing"] == ["who drinks it?"]


def test_chat_completions_speak_the_same(client: openai.OpenAI) -> None:
    form: Any = {"name": "executor", "schema": load_agent("executor").contract.model_json_schema()}
    completion = client.chat.completions.create(
        model="any",
        messages=[{"role": "user", "content": json.dumps({"instruction": "How hot is tea?", "passages": PASSAGES})}],
        response_format={"type": "json_schema", "json_schema": form},
    )

    assert "80 degrees of water [1]" in json.loads(completion.choices[0].message.content or "")["answer"]
    plain = client.chat.completions.create(model="any", messages=[{"role": "user", "content": "Hello there."}])
    assert offline.NAME in (plain.choices[0].message.content or "")


def test_embeddings_tell_likeness_of_words(client: openai.OpenAI) -> None:
    answer = client.embeddings.create(
        model="local-hash", input=["green tea", "green teas", "diesel engine"], dimensions=64
    )

    first, second, third = (item.embedding for item in answer.data)
    assert [len(first), answer.usage.prompt_tokens > 0, answer.model] == [64, True, embeddings.NAME]
    assert dot(first, first) == pytest.approx(1, abs=1e-5)
    assert dot(first, second) > 0.9 > 0.5 > dot(first, third)
    plain = client.embeddings.create(model="local-hash", input="green tea", dimensions=64, encoding_format="float")
    assert plain.data[0].embedding == pytest.approx(first)


def dot(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize(
    ("call", "error"),
    [
        ({"status": 429, "retry_after": 2}, openai.RateLimitError),
        ({"status": 500}, openai.InternalServerError),
        ({"status": 400, "error": "content_filter"}, openai.BadRequestError),
        ({"cut": True}, openai.APIConnectionError),
    ],
)
def test_faults_come_as_ordered_and_then_no_more(
    client: openai.OpenAI, url: str, call: dict[str, Any], error: type[Exception]
) -> None:
    control(url, "POST", "script", {"agent": "executor", "calls": [{**call, "match": "needle"}]})
    question = {"instruction": "How hot is tea?", "passages": PASSAGES}

    ask(client, "executor", question)
    with pytest.raises(error) as raised:
        ask(client, "executor", {**question, "goal": "needle"})
    ask(client, "executor", {**question, "goal": "needle"})

    if isinstance(raised.value, openai.RateLimitError):
        assert raised.value.response.headers["Retry-After"] == "2"


def test_replies_are_scripted_cut_off_malformed_and_refused(client: openai.OpenAI, url: str) -> None:
    calls = [{"reply": {"answer": "x", "missing": []}}, {"truncated": True}, {"malformed": True}, {"refusal": "no"}]
    control(url, "POST", "script", {"agent": "*", "calls": calls})
    question = {"instruction": "How hot is tea?", "passages": PASSAGES}

    scripted, cut_off, malformed, refused = (ask(client, "executor", question) for _ in calls)

    assert json.loads(scripted.output_text) == {"answer": "x", "missing": []}
    assert cut_off.status == "incomplete"
    for response in (cut_off, malformed):
        with pytest.raises(ValueError, match=r"JSON|Expecting|delimiter|Unterminated"):
            json.loads(response.output_text)
    assert refused.output[0].content[0].type == "refusal"
    seen = control(url, "GET", "calls")["calls"]
    assert seen[-1]["agent"] == "executor"
    assert "content" not in seen[-1]


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"input": "x"}, "model"),
        ({"model": "m"}, "input"),
        ({"model": "m", "input": "x", "stream": True}, "stream"),
    ],
)
def test_bad_requests_name_the_parameter(client: openai.OpenAI, body: dict[str, Any], param: str) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.post("/responses", body=body, cast_to=object)

    assert refused.value.param == param


words = st.text(max_size=80)
anything: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=8,
)
passage = st.fixed_dictionaries({"number": st.integers(1, 9), "source": words, "heading": words, "text": words})


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(sorted(offline.SKILLS)),
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
def test_the_offline_model_always_replies_as_its_schema_says(agent: str, question: dict[str, Any]) -> None:
    contract = load_agent(agent).contract
    message = json.dumps(question)

    text = OFFLINE.reply(agent, contract.model_json_schema(), message)

    contract.model_validate_json(text)
    assert OFFLINE.reply(agent, contract.model_json_schema(), message) == text


def test_a_schema_it_does_not_know_gets_its_smallest_instance() -> None:
    schema = {
        "type": "object",
        "required": ["kind", "count", "text"],
        "properties": {
            "kind": {"enum": ["a", "b"]},
            "count": {"type": "integer", "minimum": 3},
            "text": {"type": "string"},
        },
    }

    assert json.loads(OFFLINE.reply("stranger", schema, "Say this.")) == {"kind": "a", "count": 3, "text": "Say this."}
