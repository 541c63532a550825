"""The last link of a chain: answers without a model, from the words that it is given.

Better than no answer in an outage, and no more: it quotes sentences, joins results and judges nothing.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

NAME = "extractive"
MAX_SENTENCES = 3
STEM_CHARACTERS = 5
INSTRUCTION_CHARACTERS = 1_000
SUMMARY_CHARACTERS = 1_200
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n{2,}")
_WORD = re.compile(r"\w{3,}")

Question = Mapping[str, Any]
Skill = Callable[[Question], dict[str, Any]]


def extractive_reply(agent: str, question: Question) -> str | None:
    """The agent's reply as JSON, the same for the same question; None for agents whose work needs a model."""
    skill = _SKILLS.get(agent)
    return None if skill is None else json.dumps(skill(question), ensure_ascii=False)


def _plan(question: Question) -> dict[str, Any]:
    """One search and one answer."""
    goal = question["goal"][:INSTRUCTION_CHARACTERS]
    return {
        "tasks": [
            {"id": "t1", "type": "retriever", "instruction": goal, "queries": [], "depends_on": []},
            {"id": "t2", "type": "executor", "instruction": goal, "queries": [], "depends_on": ["t1"]},
        ]
    }


def _execute(question: Question) -> dict[str, Any]:
    """The sentences that share most words with the instruction, in the passages' order."""
    wanted = _words(question["instruction"])
    sentences = [
        (len(wanted & _words(sentence)), f"{_plain(sentence)} [{passage['number']}].")
        for passage in question["passages"]
        for sentence in _SENTENCE_END.split(passage["text"])
    ]
    likely = sorted((each for each in sentences if each[0]), key=lambda each: -each[0])[:MAX_SENTENCES]
    if not likely:
        return {"answer": "The passages do not answer this.", "missing": [question["instruction"]]}
    return {"answer": " ".join(dict.fromkeys(each[1] for each in sentences if each in likely)), "missing": []}


def _write(question: Question) -> dict[str, Any]:
    """The results one after the other."""
    answers = [each["answer"] for each in question["results"]]
    missing = [each["instruction"] for each in question["failed"]]
    return {"answer": "\n\n".join(dict.fromkeys(answers)) or "There is no result.", "missing": missing}


def _remember(_: Question) -> dict[str, Any]:
    """Nothing: what is worth keeping can't be told by counting words."""
    return {"lessons": []}


def _summarize(question: Question) -> dict[str, Any]:
    """The end of what was said."""
    said = [question["summary"], *(f"{each['goal']} {each['answer']}" for each in question["turns"])]
    text = " ".join(" ".join(said).split())
    return {"summary": text if len(text) <= SUMMARY_CHARACTERS else "…" + text[-SUMMARY_CHARACTERS:]}


def _words(text: str) -> frozenset[str]:
    """By their beginnings, so that "steep" is found in "steeps"."""
    return frozenset(word.lower()[:STEM_CHARACTERS] for word in _WORD.findall(text))


def _plain(sentence: str) -> str:
    """Without line breaks, its full stop, and brackets that would read as markers."""
    return re.sub(r"\[(\d+)\]", r"(\1)", " ".join(sentence.split())).rstrip(".")


_SKILLS: dict[str, Skill] = {
    "planner": _plan,
    "executor": _execute,
    "expert": _execute,
    "writer": _write,
    "archivist": _remember,
    "summarizer": _summarize,
}
"""The evaluator is missing: a verdict that nobody has thought about would be worse than none."""
