"""Scripted calls and background responses through the real openai SDK, and the record of calls."""

import json
import re
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import openai
import pytest

from loopback.model.script import FIELDS
from tests.model.conftest import QUESTION, ask, control, script


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


def test_the_documentation_explains_every_field_of_a_call() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "model-service.md").read_text(encoding="utf-8")
    explained = {name for line in page.splitlines() if line.startswith("| `") for name in re.findall(r"`(\w+)`", line)}

    assert explained >= FIELDS
