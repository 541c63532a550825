"""A model service with the skills of `tea_skills`, and a client of it."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.request import Request, urlopen

import openai
import pytest

from loopback.model.routes import make_app
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
