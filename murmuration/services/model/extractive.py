"""The last fallback: answers without a model, made of the words in the question.

It is for an outage, when any answer is better than none: it quotes sentences, joins results and judges nothing.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

NAME = "extractive"
MAX_SENTENCES = 3
STEM_CHARACTERS = 5
MAX_INSTRUCTION_CHARACTERS = 1_000
MAX_SUMMARY_CHARACTERS = 1_200
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n{2,}")
_WORD = re.compile(r"\w{3,}")

Question = Mapping[str, Any]
Skill = Callable[[Question], dict[str, Any]]


def extractive_reply(agent: str, question: Question) -> str | None:
    """Return the agent's reply as JSON, the same for the same question; None for agents whose work needs a model."""
    skill = _SKILLS.get(agent)
    return None if skill is None else json.dumps(skill(question), ensure_ascii=False)


def _plan(question: Question) -> dict[str, Any]:
    """Plan one search and one answer."""
    goal = question["goal"][:MAX_INSTRUCTION_CHARACTERS]
    return {
        "tasks": [
            {"id": "t1", "type": "retriever", "instruction": goal, "queries": [], "depends_on": []},
            {"id": "t2", "type": "executor", "instruction": goal, "queries": [], "depends_on": ["t1"]},
        ]
    }


def _execute(question: Question) -> dict[str, Any]:
    """Quote the sentences that share most words with the instruction, in the passages' order."""
    wanted = _stems(question["instruction"])
    sentences = [
        (len(wanted & _stems(sentence)), f"{_plain(sentence)} [{passage['number']}].")
        for passage in question["passages"]
        for sentence in _SENTENCE_END.split(passage["text"])
    ]
    best = sorted((entry for entry in sentences if entry[0]), key=lambda entry: -entry[0])[:MAX_SENTENCES]
    if not best:
        return {"answer": "The passages do not answer this.", "missing": [question["instruction"]]}
    return {"answer": " ".join(dict.fromkeys(entry[1] for entry in sentences if entry in best)), "missing": []}


def _write(question: Question) -> dict[str, Any]:
    """Join the results in their order."""
    answers = [result["answer"] for result in question["results"]]
    missing = [task["instruction"] for task in question["failed"]]
    return {"answer": "\n\n".join(dict.fromkeys(answers)) or "There is no result.", "missing": missing}


def _remember(_: Question) -> dict[str, Any]:
    """Remember nothing: counting words can't tell what is worth remembering."""
    return {"lessons": []}


def _summarize(question: Question) -> dict[str, Any]:
    """Return the end of the conversation."""
    parts = [question["summary"], *(f"{turn['goal']} {turn['answer']}" for turn in question["turns"])]
    text = " ".join(" ".join(parts).split())
    return {"summary": text if len(text) <= MAX_SUMMARY_CHARACTERS else "…" + text[-MAX_SUMMARY_CHARACTERS:]}


def _stems(text: str) -> frozenset[str]:
    """Return the words' beginnings, so that "steep" matches "steeps"."""
    return frozenset(word.lower()[:STEM_CHARACTERS] for word in _WORD.findall(text))


def _plain(sentence: str) -> str:
    """Remove line breaks, the full stop, and brackets that would read as markers."""
    return re.sub(r"\[(\d+)\]", r"(\1)", " ".join(sentence.split())).rstrip(".")


_SKILLS: dict[str, Skill] = {
    "planner": _plan,
    "executor": _execute,
    "expert": _execute,
    "writer": _write,
    "archivist": _remember,
    "summarizer": _summarize,
}
"""The skills by agent. The evaluator has none: a verdict without thought would be worse than no verdict."""
