"""A skills module as an app writes it: two agents that know about tea."""

from typing import Any

NAME = "tea-1"
DESCRIPTION = "knows about tea"


def answer(question: dict[str, Any]) -> dict[str, Any]:
    return {"answer": f"{question['topic']} is made with hot water.", "sources": [1]}


def judge(question: dict[str, Any]) -> dict[str, Any]:
    return {"passed": "hot" in question["answer"]}


def summary(text: str) -> str:
    return f"{len(text)} characters about tea"


def fail(question: dict[str, Any]) -> dict[str, Any]:
    raise ValueError("out of tea")


SKILLS = {"answerer": answer, "judge": judge, "broken": fail}
