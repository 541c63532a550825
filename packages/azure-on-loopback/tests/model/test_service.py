"""The service through the real openai SDK: replies, embeddings, background responses, and scripted failures."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import openai
import pytest

from loopback.model import embeddings
from loopback.model.routes import make_app
from loopback.model.script import FIELDS
from loopback.model.skills import load_skills
from loopback.serving import in_thread

SCHEMA = {
    "type": "object",
    "required": ["answer", "sources"],
    "properties": {"answer": {"type": "string"}, "sources": {"type": "array", "items": {"type": "integer"}}},
}
CHAT_FORMAT: Any = {"type": "json_schema", "json_schema": {"name": "answerer", "schema": SCHEMA}}
QUESTION = {"topic": "Green tea"}
REPLY = {"answer": "Green tea is made with hot water.", "sources": [1]}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with in_thread(lambda: make_app(skills=load_skills("tests.model.tea_skills"))) as url:
        yield url


@pytest.fixture
def client(url: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{url}/openai/v1/", api_key="any", max_retries=0, timeout=10) as client:
        yield client
    control(url, "DELETE", "script")


def control(url: str, method: str, path: str, body: Any = None) -> Any:
    text = json.dumps(body).encode() if body is not None else None
    request = Request(f"{url}/control/{path}", data=text, method=method)  # noqa: S310
    with urlopen(request, timeout=10) as answer:  # noqa: S310
        return json.loads(answer.read() or b"null")


def script(url: str, agent: str, *calls: dict[str, Any]) -> None:
    control(url, "POST", "script", {"agent": agent, "calls": list(calls)})


def ask(client: openai.OpenAI, question: Any = QUESTION, agent: str = "answerer", **options: Any) -> Any:
    output: Any = {"type": "json_schema", "name": agent, "strict": True, "schema": SCHEMA}
    return client.responses.create(
        model="any", instructions="Answer.", input=json.dumps(question), text={"format": output}, **options
    )


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
    ("call", "error"),
    [
        ({"status": 429, "retry_after": 2}, openai.RateLimitError),
        ({"status": 500}, openai.InternalServerError),
        ({"status": 400, "error": "content_filter"}, openai.BadRequestError),
        ({"cut": True}, openai.APIConnectionError),
    ],
)
def test_a_scripted_failure_hits_the_matching_call_once(
    client: openai.OpenAI, url: str, call: dict[str, Any], error: type[openai.APIError]
) -> None:
    script(url, "answerer", {**call, "match": "needle"})
    needle = {**QUESTION, "note": "needle"}

    ask(client)
    with pytest.raises(error) as raised:
        ask(client, needle)
    ask(client, needle)

    assert raised.value.code == call.get("error")
    if isinstance(raised.value, openai.RateLimitError):
        assert raised.value.response.headers["Retry-After"] == "2"


def test_a_repeated_call_lasts_until_the_script_is_cleared(client: openai.OpenAI, url: str) -> None:
    script(url, "embeddings", {"status": 503, "repeat": True})

    for _ in range(3):
        with pytest.raises(openai.InternalServerError):
            client.embeddings.create(model="local-hash", input="tea")
    control(url, "DELETE", "script")
    client.embeddings.create(model="local-hash", input="tea")


def test_replies_are_scripted_truncated_malformed_and_refused(client: openai.OpenAI, url: str) -> None:
    calls: list[dict[str, Any]] = [
        {"reply": {"answer": "x", "sources": []}},
        {"truncated": True},
        {"malformed": True},
        {"refusal": "no"},
    ]
    script(url, "*", *calls)

    scripted, truncated, malformed, refused = (ask(client) for _ in calls)

    assert json.loads(scripted.output_text) == {"answer": "x", "sources": []}
    assert truncated.status == "incomplete"
    assert truncated.incomplete_details.reason == "max_output_tokens"
    for response in (truncated, malformed):
        with pytest.raises(ValueError, match=r"JSON|Expecting|delimiter|Unterminated"):
            json.loads(response.output_text)
    assert refused.output[0].content[0].type == "refusal"
    assert refused.output[0].content[0].refusal == "no"


def test_calls_are_recorded_and_their_content_is_shown_on_demand(client: openai.OpenAI, url: str) -> None:
    control(url, "DELETE", "calls")
    ask(client)

    (call,) = control(url, "GET", "calls")["calls"]
    assert call["agent"] == "answerer"
    assert call["output_tokens"] > 0
    assert "content" not in call
    (call,) = control(url, "GET", "calls?content=1")["calls"]
    assert json.loads(call["content"]) == QUESTION


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"agent": "", "calls": []}, "agent is ''"),
        ({"agent": "x", "calls": {}}, "calls must be a list"),
        ({"agent": "x", "calls": [{"stauts": 500}]}, "unknown field 'stauts'"),
    ],
)
def test_a_wrong_script_is_refused_and_named(url: str, body: dict[str, Any], named: str) -> None:
    with pytest.raises(HTTPError) as refused:
        control(url, "POST", "script", body)

    with refused.value as error:
        assert (error.code, named in error.read().decode()) == (400, True)


@pytest.mark.parametrize(
    ("ends", "status"),
    [
        (None, "completed"),
        ("failed", "failed"),
        ("cancelled", "cancelled"),
        ("incomplete", "incomplete"),
        ("expired", 404),
    ],
)
def test_a_background_response_ends_as_scripted(
    client: openai.OpenAI, url: str, ends: str | None, status: str | int
) -> None:
    script(url, "answerer", {"polls": 1} if ends is None else {"polls": 1, "ends": ends})

    started = ask(client, background=True)
    assert (started.status, started.output, started.usage) == ("queued", [], None)
    assert client.responses.retrieve(started.id).status == "in_progress"
    if status == 404:
        with pytest.raises(openai.NotFoundError, match=started.id):
            client.responses.retrieve(started.id)
        return
    final = client.responses.retrieve(started.id)
    assert final.status == status
    assert (final.output_text != "") == (status in ("completed", "incomplete"))
    assert client.responses.cancel(started.id).status == status, "a response that has ended stays as it is"


def test_a_background_response_is_cancelled(client: openai.OpenAI, url: str) -> None:
    script(url, "answerer", {"polls": 5})

    started = ask(client, background=True)

    assert client.responses.cancel(started.id).status == "cancelled"
    assert client.responses.retrieve(started.id).status == "cancelled"


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


def test_the_documentation_explains_every_field_of_a_call() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "model-service.md").read_text(encoding="utf-8")
    explained = {name for line in page.splitlines() if line.startswith("| `") for name in re.findall(r"`(\w+)`", line)}

    assert explained >= FIELDS
