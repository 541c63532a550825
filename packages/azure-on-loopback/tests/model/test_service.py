"""The service through the real openai SDK: replies, embeddings and bad requests."""

import json
from typing import Any

import openai
import pytest

from loopback.model import embeddings
from tests.model.conftest import CHAT_FORMAT, QUESTION, REPLY, ask


def test_a_skill_replies_and_tokens_are_counted(client: openai.OpenAI) -> None:
    response = ask(client)

    assert json.loads(response.output_text) == REPLY
    assert (response.model, response.status) == ("tea-1", "completed")
    assert 5 < response.usage.input_tokens < 30
    assert 5 < response.usage.output_tokens < 30
    assert response.usage.total_tokens == response.usage.input_tokens + response.usage.output_tokens


def test_an_agent_without_a_skill_gets_the_smallest_value(client: openai.OpenAI) -> None:
    reply = json.loads(ask(client, agent="stranger").output_text)

    assert reply == {"answer": "22 characters about tea", "sources": []}


def test_a_skill_that_raises_is_a_500_that_names_it_and_its_traceback_is_logged(
    client: openai.OpenAI, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(openai.InternalServerError, match="the skill 'broken' raised ValueError: out of tea") as failed:
        ask(client, agent="broken")

    assert failed.value.code == "skill_failed"
    assert "tea_skills.py" in caplog.text


def test_chat_completions_give_the_same_replies(client: openai.OpenAI) -> None:
    completion = client.chat.completions.create(
        model="any",
        messages=[{"role": "system", "content": "Answer."}, {"role": "user", "content": json.dumps(QUESTION)}],
        response_format=CHAT_FORMAT,
    )

    assert json.loads(completion.choices[0].message.content or "") == REPLY
    assert completion.choices[0].finish_reason == "stop"
    plain = client.chat.completions.create(model="any", messages=[{"role": "user", "content": "Hello there."}])
    assert "tea-1" in (plain.choices[0].message.content or "")


def test_the_question_is_the_first_message_when_the_last_asks_for_a_better_reply(client: openai.OpenAI) -> None:
    completion = client.chat.completions.create(
        model="any",
        messages=[
            {"role": "user", "content": json.dumps(QUESTION)},
            {"role": "assistant", "content": "{"},
            {"role": "user", "content": "Your reply was not valid JSON."},
        ],
        response_format=CHAT_FORMAT,
    )

    assert json.loads(completion.choices[0].message.content or "") == REPLY


def test_embeddings_of_similar_words_are_similar(client: openai.OpenAI) -> None:
    texts = ["green tea", "green teas", "diesel engine"]
    answer = client.embeddings.create(model="local-hash", input=texts, dimensions=64)

    first, second, third = (item.embedding for item in answer.data)
    assert [len(first), answer.usage.prompt_tokens > 0, answer.model] == [64, True, embeddings.NAME]
    assert dot(first, first) == pytest.approx(1, abs=1e-5)
    assert dot(first, second) > 0.9 > 0.5 > dot(first, third)
    plain = client.embeddings.create(model="local-hash", input="green tea", dimensions=64, encoding_format="float")
    assert plain.data[0].embedding == pytest.approx(first)


def dot(left: list[float], right: list[float]) -> float:
    return sum(a * b for a, b in zip(left, right, strict=True))


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"input": "x"}, "model"),
        ({"model": "m"}, "input"),
        ({"model": "m", "input": "x", "stream": True}, "stream"),
        ({"model": "m", "input": "x", "background": True, "store": False}, "store"),
    ],
)
def test_bad_requests_name_the_parameter(client: openai.OpenAI, body: dict[str, Any], param: str) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.post("/responses", body=body, cast_to=object)

    assert refused.value.param == param
